package queue

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leat-go/leat/backends"
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
	features backends.Features
	watch    *telemetry.Producer
}

func (q *Queue[T, R]) read() (*facts, error) {
	if err := q.check(); err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	f := &facts{
		name: q.name, kind: stored(q.kind, q.Schema),
		codec: q.Codec, inline: q.Inline, bucket: q.Bucket, blobLife: q.BlobLife, box: q.Box,
		policy:   q.policy(),
		features: q.backend.Features(),
		watch:    telemetry.NewProducer(q.Tracing, q.Metrics, q.name, q.kind),
	}
	for v := range q.Schema + 1 {
		f.kinds = append(f.kinds, stored(q.kind, v))
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
	if err := f.policy.Check(); err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return f, nil
}

func (q *Queue[T, R]) policy() *backends.Policy {
	p := &backends.Policy{
		Version: q.PolicyVersion, Backlog: q.Backlog, Cap: q.Cap, Tenant: q.Tenant, Tenants: q.Tenants,
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
	case q.backend == nil:
		return &InvalidError{Field: "Queue", Reason: "has no backend: make it with New or Open"}
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

// stored is a kind as stores know it. A newer schema is another kind to them, so
// that one mechanism keeps both for the workers that know them. See seam.Schema.
func stored(kind string, schema int) string {
	if schema == 0 {
		return kind
	}
	return kind + "@" + strconv.Itoa(schema)
}
