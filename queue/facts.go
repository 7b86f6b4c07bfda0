package queue

import (
	"cmp"
	"errors"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/internal/telemetry"
)

// The defaults of a Queue that package backends doesn't have.
const (
	DefaultInline   = 64 << 10
	DefaultBlobLife = 30 * 24 * time.Hour
)

// maxSchema bounds schema versions, of which a worker lists all.
const maxSchema = 999

// facts is what the fields of a Queue come to.
type facts struct {
	name     string
	kind     string   // as stored
	kinds    []string // that it can decode, as stored
	codec    Codec
	inline   int
	bucket   Bucket
	blobLife time.Duration
	box      Box
	policy   *backends.Policy
	filled   *backends.Policy // with the defaults
	features backends.Features
	watch    *telemetry.Producer
}

// read makes facts of the fields, the same for all copies of the Queue, whichever
// is used first.
func (q *Queue[T, R]) read() (*facts, error) {
	policy := q.policy()
	if err := cmp.Or(q.check(), checkNames(q.name, q.kind, policy)); err != nil {
		return nil, err
	}
	if codec, ok := cmp.Or(q.Codec, JSON).(jsonCodec); ok {
		if err := cmp.Or(codec.carries(reflect.TypeFor[T]()), codec.carries(reflect.TypeFor[R]())); err != nil {
			return nil, err
		}
	}
	f := &facts{
		name: q.name, kind: seam.Stored(q.kind, q.Schema),
		codec: q.Codec, inline: q.Inline, bucket: q.Bucket, blobLife: q.BlobLife, box: q.Box,
		policy: policy, filled: policy.Filled(),
		features: q.state.root.Features(),
		watch:    telemetry.NewProducer(q.Tracing, q.Metrics, q.name, q.kind),
	}
	for v := range q.Schema + 1 {
		f.kinds = append(f.kinds, seam.Stored(q.kind, v))
	}
	if f.codec == nil {
		f.codec = JSON
	}
	if f.inline == 0 {
		f.inline = DefaultInline
	}
	if f.blobLife == 0 {
		f.blobLife = DefaultBlobLife
	}
	return f, nil
}

func (q *Queue[T, R]) policy() *backends.Policy {
	p := &backends.Policy{
		Version: q.PolicyVersion, Backlog: q.Backlog, Cap: q.Cap, Tenant: q.Tenant, Tenants: maps.Clone(q.Tenants),
		MaxAttempts: q.MaxAttempts, MaxCrashes: q.MaxCrashes, UnknownAfter: q.UnknownAfter,
		Retention: q.Retention, DeadRetention: q.DeadRetention, Keep: q.Keep,
	}
	if q.Announce != nil {
		p.Owes = backends.Event
	}
	return p
}

func (q *Queue[T, R]) check() error {
	switch {
	case q.state.root == nil:
		return errNoBackend
	case q.name == "":
		return &InvalidError{Field: "Queue", Reason: "has no name"}
	case strings.Contains(q.kind, "@"):
		return &InvalidError{Field: "Kind", Reason: "has an '@', which separates the schema version"}
	case len(q.kind) > 240:
		return &InvalidError{Field: "Kind", Reason: "longer than 240 bytes"}
	case q.Schema < 0 || q.Schema > maxSchema:
		return &InvalidError{Field: "Queue.Schema", Reason: "must be from 0 to " + strconv.Itoa(maxSchema)}
	case q.Inline < 0:
		return &InvalidError{Field: "Queue.Inline", Reason: "must not be negative"}
	case q.BlobLife < 0:
		return &InvalidError{Field: "Queue.BlobLife", Reason: "must not be negative"}
	}
	return nil
}

// errNoBackend is of a Queue that nobody made.
var errNoBackend = &InvalidError{Field: "Queue", Reason: "has no backend: make it with New or Open"}

// checkNames holds the names and the policy to what every backend demands, before
// anything is written. The error spells their fields as a Queue does.
func checkNames(queue, kind string, policy *backends.Policy) error {
	job := backends.Job{Ref: Ref{ID: "any"}, Kind: kind}
	err := cmp.Or(backends.EnqueueRequest{Queue: queue, Policy: policy}.Check(), job.Check(backends.Features{}))
	var wrong *InvalidError
	if errors.As(err, &wrong) {
		field := strings.Replace(strings.TrimPrefix(wrong.Field, "Job."), "Policy.", "Queue.", 1)
		err = &InvalidError{Field: field, Reason: wrong.Reason}
	}
	return err
}
