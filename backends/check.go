package backends

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds that hold on every Backend; Features tells those that differ.
const (
	MaxName     = 256      // bytes of a tenant, id, kind, queue, resource, supersede key or cell key
	MaxHeaders  = 16 << 10 // bytes of all header names and values of a job
	MaxText     = 4 << 10  // bytes kept of an error, reason or progress text
	MaxFailures = 32       // kept per job: the first and the newest
	MaxPage     = 1000
	MaxPurge    = 10_000
	MaxCell     = 64 << 10  // bytes of a value in a Backend's Cells
	MaxRecord   = 384 << 10 // bytes of a record that a broker keeps in a record store
)

// maxSpan keeps now + span inside an int64 of nanoseconds until the year 2262.
const maxSpan = 150 * 365 * 24 * time.Hour

// maxDue is the latest absolute due time.
var maxDue = time.Unix(0, math.MaxInt64).Add(-maxSpan)

// Check refuses what no Backend takes: call it first in Enqueue.
func (r EnqueueRequest) Check() error {
	if err := checkName("Queue", r.Queue, true); err != nil {
		return err
	}
	return r.Policy.Check()
}

// Check refuses what no Backend takes: call it first in Claim.
func (r ClaimRequest) Check(f Features) error {
	if err := checkName("Queue", r.Queue, true); err != nil {
		return err
	}
	if r.Max <= 0 {
		return invalid("ClaimRequest.Max", "must be above 0")
	}
	if r.Grace < 0 || r.RunLimit < 0 {
		return invalid("ClaimRequest.Grace or RunLimit", "must not be negative")
	}
	if err := r.Policy.Check(); err != nil {
		return err
	}
	for _, k := range r.Kinds {
		if err := checkName("ClaimRequest.Kinds", k, false); err != nil {
			return err
		}
	}
	for _, res := range r.Resources {
		if err := checkName("Resource.Name", res.Name, true); err != nil {
			return err
		}
		if err := res.Cap.check("Resource.Cap"); err != nil {
			return err
		}
	}
	return CheckLease(r.Lease, f)
}

// CheckLease refuses a lease length that f can't give.
func CheckLease(d time.Duration, f Features) error {
	switch {
	case d <= 0:
		return invalid("Lease", "must be above 0")
	case f.MaxLease > 0 && d > f.MaxLease:
		return invalid("Lease", "longer than "+f.MaxLease.String())
	case d > maxSpan:
		return invalid("Lease", "too long")
	}
	return nil
}

// Check refuses a job that no Backend, or not this one, takes.
func (j *Job) Check(f Features) error {
	for _, n := range [...]struct {
		field, value string
		required     bool
	}{
		{"Job.ID", j.ID, true},
		{"Job.Tenant", j.Tenant, false},
		{"Job.Kind", j.Kind, false},
		{"Job.Supersede", j.Supersede, false},
		{"Job.Resource", j.Resource, false},
	} {
		if err := checkName(n.field, n.value, n.required); err != nil {
			return err
		}
	}
	if f.MaxPayload > 0 && len(j.Payload) > f.MaxPayload {
		return ErrTooLarge
	}
	if err := j.checkTimes(); err != nil {
		return err
	}
	if j.MaxAttempts < 0 {
		return invalid("Job.MaxAttempts", "must not be negative")
	}
	if j.Trailing && j.Supersede == "" {
		return invalid("Job.Trailing", "needs a supersede key")
	}
	if err := checkHeaders(j.Headers); err != nil {
		return err
	}
	return j.Batch.check(j.Ref)
}

func (j *Job) checkTimes() error {
	for _, s := range [...]struct {
		field string
		d     time.Duration
	}{{"Job.Delay", j.Delay}, {"Job.Expiry", j.Expiry}, {"Job.RunLimit", j.RunLimit}} {
		if s.d < 0 || s.d > maxSpan {
			return invalid(s.field, "must be from 0 to 150 years")
		}
	}
	if j.Due.After(maxDue) {
		return invalid("Job.Due", "too far ahead")
	}
	return nil
}

func (b *Batch) check(self Ref) error {
	switch {
	case b == nil:
		return nil
	case b.Hold < 0:
		return invalid("Batch.Hold", "must not be negative")
	case b.Tolerate < -1:
		return invalid("Batch.Tolerate", "must be -1 or more")
	case b.Members < 0 || b.Index < 0:
		return invalid("Batch.Members or Index", "must not be negative")
	case b.Member == self:
		return invalid("Batch.Member", "is the job itself")
	}
	if err := checkName("Batch.Seed", b.Seed, false); err != nil || b.Member.IsZero() {
		return err
	}
	if err := checkName("Batch.Member.Tenant", b.Member.Tenant, false); err != nil {
		return err
	}
	return checkName("Batch.Member.ID", b.Member.ID, true)
}

// Check refuses a settlement that makes no sense, whatever the store holds.
func (s *Settlement) Check(f Features) error {
	switch {
	case s.Lease == nil || s.Lease.Job == nil:
		return invalid("Settlement.Lease", "is missing")
	case s.Verb < Commit || s.Verb > Announced:
		return invalid("Settlement.Verb", "is unknown")
	case s.Verb == Commit && !(s.Outcome.Ended() && s.Outcome <= Expired):
		return invalid("Settlement.Outcome", "is not an end")
	case s.Verb != Commit && s.Outcome != 0:
		return invalid("Settlement.Outcome", "belongs to a commit")
	case s.Delay < 0 || s.Delay > maxSpan:
		return invalid("Settlement.Delay", "must be from 0 to 150 years")
	case s.Delay > 0 && s.Verb != Retry && s.Verb != Snooze:
		return invalid("Settlement.Delay", "belongs to a retry or snooze")
	case !s.Owes.In(Event | WriteBack):
		return invalid("Settlement.Owes", "is unknown")
	case s.Stored != "" && s.Verb != Commit:
		return invalid("Settlement.Stored", "belongs to a commit")
	case f.MaxResult > 0 && len(s.Result) > f.MaxResult:
		return ErrTooLarge
	}
	return checkName("Settlement.Stored", s.Stored, false)
}

// Check refuses a malformed beat.
func (b *Beat) Check() error {
	if b.Lease == nil || b.Lease.Job == nil {
		return invalid("Beat.Lease", "is missing")
	}
	if p := b.Progress; p != nil && !(p.Percent >= 0 && p.Percent <= 100) {
		return invalid("Progress.Percent", "must be from 0 to 100")
	}
	return nil
}

// Check refuses a malformed listing.
func (r ListRequest) Check() error {
	if r.State > Expired {
		return invalid("ListRequest.State", "is unknown")
	}
	if r.Limit < 0 || r.Limit > MaxPage {
		return invalid("ListRequest.Limit", "must be from 0 to "+strconv.Itoa(MaxPage))
	}
	if err := checkName("ListRequest.Batch.ID", r.Batch.ID, false); err != nil {
		return err
	}
	return checkSelection(r.Queue, r.Tenant)
}

// checkSelection refuses what no record can match.
func checkSelection(queue, tenant string) error {
	if err := checkName("Queue", queue, true); err != nil {
		return err
	}
	return checkName("Tenant", tenant, false)
}

// Check refuses a malformed purge.
func (r PurgeRequest) Check() error {
	if r.State != Waiting && !(r.State.Ended() && r.State <= Expired) {
		return invalid("PurgeRequest.State", "must be waiting or an end")
	}
	if r.Limit < 0 || r.Limit > MaxPurge {
		return invalid("PurgeRequest.Limit", "must be from 0 to "+strconv.Itoa(MaxPurge))
	}
	return checkSelection(r.Queue, r.Tenant)
}

// CheckCell refuses a key or value that a Backend's Cells don't take. It binds
// those who use Backend.Cells; a record store takes MaxRecord and longer keys.
func CheckCell(key string, v []byte) error {
	if len(v) > MaxCell {
		return ErrTooLarge
	}
	return checkName("cell key", key, true)
}

// Capped returns s as valid UTF-8 without NUL, cut to MaxText bytes.
func Capped(s string) string {
	if n := MaxText; len(s) > n {
		for n > MaxText-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	for len(s) > MaxText {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

func checkHeaders(h map[string]string) error {
	total := 0
	for k, v := range h {
		total += len(k) + len(v)
		if why := badText(k); why != "" {
			return invalid("Job.Headers", "a name "+why)
		}
		if why := badText(v); why != "" {
			return invalid("Job.Headers", "a value "+why)
		}
	}
	if total > MaxHeaders {
		return invalid("Job.Headers", "more than "+strconv.Itoa(MaxHeaders)+" bytes")
	}
	return nil
}

func checkName(field, s string, required bool) error {
	switch {
	case s == "":
		if required {
			return invalid(field, "is empty")
		}
		return nil
	case len(s) > MaxName:
		return invalid(field, "longer than "+strconv.Itoa(MaxName)+" bytes")
	}
	if why := badText(s); why != "" {
		return invalid(field, why)
	}
	return nil
}

func badText(s string) string {
	if !utf8.ValidString(s) {
		return "is not UTF-8"
	}
	if strings.IndexByte(s, 0) >= 0 {
		return "has a NUL"
	}
	return ""
}
