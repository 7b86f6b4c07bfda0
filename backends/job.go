package backends

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// Ref names one job of a store, whatever its queue. Ids are unguessable and carry no time (R2); a Lookup,
// cancel or redrive under another tenant finds nothing.
type Ref struct {
	Tenant string
	ID     string
}

// IsZero reports whether r names no job.
func (r Ref) IsZero() bool { return r == Ref{} }

// Job is what a producer hands over. It never changes after Enqueue; what
// happens to it is its [Record]. Strings are UTF-8 without NUL, at most
// [MaxName] bytes; all but the id may be empty.
type Job struct {
	Ref

	Kind    string            // which handler, and which version of its args; known kinds are claimed by name
	Payload []byte            // the encoded args, opaque here; empty is legal
	Headers map[string]string // travels along: trace context, content type; at most MaxHeaders bytes

	// Fingerprint guards an idempotency key (R2): the first eight bytes of a
	// SHA-256 of what was asked. A Ref that comes back with another one is
	// ErrKeyReused. 0 = not guarded.
	Fingerprint uint64

	Due    time.Time     // not claimable before; zero or past = now
	Delay  time.Duration // added to Due; by the store's clock, so that a producer's clock doesn't matter
	Expiry time.Duration // deadline = creation + Expiry; 0 = none. Waiting past it, the job ends expired

	RunLimit    time.Duration // of one attempt; 0 = the worker's
	MaxAttempts int32         // 0 = the policy's
	Priority    int32         // higher first, inside the tenant only, never across tenants

	Trailing  bool   // see Supersede
	Supersede string // place that only the newest job holds (R13), scoped by tenant and queue. Trailing lets a running one finish first

	Resource string // what the job uses up, shared by name among queues (Policy and ClaimRequest.Resources cap it)

	Batch *Batch // ties the job to a batch; nil for most
}

// IsMember reports whether a batch counts the job's end.
func (j *Job) IsMember() bool { return j.Batch != nil && !j.Batch.Member.IsZero() }

// Reuses reports whether j comes under the Ref of a job that was asked for otherwise (R2).
func (j *Job) Reuses(fingerprint uint64) bool {
	return j.Fingerprint != 0 && fingerprint != 0 && j.Fingerprint != fingerprint
}

// Batch ties a job to a batch of slices (R14). A member names the collation job
// that waits for it; the collation job itself has a Hold. A collation job that
// is a member of an outer batch has both.
type Batch struct {
	// Member is the collation job that counts this job's first end of any
	// kind. It must exist, in the same store; creating this job adds 1 to its
	// hold in the same write.
	Member Ref

	// Hold > 0 keeps this job from being claimed until it is counted down.
	// A collation job is created with 1, which sealing subtracts.
	Hold int32

	// Tolerate is how many members of this collation job may end otherwise
	// than succeeded; one more and its hold becomes 0 at once. -1 = any number,
	// 0 = fail fast.
	Tolerate int32

	// Sealed says that all members exist. Enqueue the collation job's id again
	// with Sealed (and Members, which brokers need): its hold goes down by 1,
	// once, and a later new member gets ErrSealed. A collation job that is
	// created sealed is an empty batch.
	Sealed  bool
	Members int32

	// Seed makes the ids of the members: the i-th one's is MemberID(Seed, i).
	// A collation job has it from the start; random, at most MaxName bytes.
	// Index is the member's i. Stores that count members ignore both.
	Seed  string
	Index int32
}

// MemberID is the id of a batch's member: unguessable without the seed, and the
// same when a splitter that died starts again.
func MemberID(seed string, i int) string {
	mac := hmac.New(sha256.New, []byte(seed))
	binary.Write(mac, binary.BigEndian, int64(i))
	return idCoding.EncodeToString(mac.Sum(nil)[:20])
}

var idCoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Deadline is creation + Expiry in Unix nanoseconds, 0 = none.
func (j *Job) Deadline(created int64) int64 {
	if j.Expiry <= 0 {
		return 0
	}
	return created + int64(j.Expiry)
}

// Start is when the job may first be claimed, in Unix nanoseconds, for a store
// whose clock says now.
func (j *Job) Start(now int64) int64 {
	due := now
	if j.Due.After(time.Unix(0, now)) { // UnixNano is undefined for the far past
		due = j.Due.UnixNano()
	}
	return due + int64(j.Delay)
}
