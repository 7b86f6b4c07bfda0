package queue

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/telemetry"
)

// draft is a job on its way to the store.
type draft struct {
	job    backends.Job
	key    string
	wait   bool
	broken error
}

func (d *draft) header(h [2]string) {
	name := strings.ToLower(h[0])
	if strings.HasPrefix(name, "leat-") || name == "traceparent" || name == "tracestate" {
		d.broken = &InvalidError{Field: "Header", Reason: "this name is the library's own"}
		return
	}
	if d.job.Headers == nil {
		d.job.Headers = map[string]string{}
	}
	d.job.Headers[h[0]] = h[1]
}

// draft makes the job of args: id, payload, what the options say. After it, the
// job is as it will be sent, however often.
func (q *Queue[T, R]) draft(ctx context.Context, f *facts, args T, opts []Option) (draft, error) {
	d := draft{job: backends.Job{Kind: f.kind}}
	for _, o := range opts {
		if o != nil {
			o.apply(&d)
		}
	}
	if d.broken != nil {
		return d, d.broken
	}
	payload, err := f.codec.Encode(args)
	if err != nil {
		return d, &encodeError{err}
	}
	if err := q.identify(ctx, f, &d, payload); err != nil {
		return d, err
	}
	d.job.Payload = payload
	d.job.Headers = telemetry.Inject(ctx, d.job.Headers)
	// What no store takes must not cost a write to the bucket first.
	early := f.features
	early.MaxPayload = 0
	if err := d.job.Check(early); err != nil {
		return d, err
	}
	return d, f.packPayload(ctx, &d.job, time.Now())
}

// identify gives the job its id (R2): of its key, or random.
func (q *Queue[T, R]) identify(ctx context.Context, f *facts, d *draft, payload []byte) error {
	if d.key == "" {
		id, err := uuid.NewRandom()
		d.job.ID = id.String()
		return err
	}
	if !f.features.Records {
		return unsupported("Key", f)
	}
	secret, err := q.state.instanceKey(ctx)
	if err != nil {
		return err
	}
	d.job.ID = keyedID(secret, d.job.Tenant, f.name, d.key)
	d.job.Fingerprint = fingerprint(secret, f.kind, payload)
	return nil
}

// withHeader adds a header of the library's to a map that may be shared.
func withHeader(h map[string]string, name, value string) map[string]string {
	h = maps.Clone(h)
	if h == nil {
		h = make(map[string]string, 1)
	}
	h[name] = value
	return h
}

func unsupported(what string, f *facts) error {
	return &unsupportedError{what, f.features.Name}
}

type unsupportedError struct{ what, backend string }

func (e *unsupportedError) Error() string {
	return e.what + " on " + e.backend + ": unsupported operation"
}
func (e *unsupportedError) Unwrap() error { return errors.ErrUnsupported }

// encodeError says that args can't be encoded: a mistake of the caller.
type encodeError struct{ err error }

func (e *encodeError) Error() string        { return "args can't be encoded: " + e.err.Error() }
func (e *encodeError) Unwrap() error        { return e.err }
func (e *encodeError) Is(target error) bool { return target == ErrInvalid }
