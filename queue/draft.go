package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/telemetry"
)

// draft is a job on its way to the store, and what else its options say.
type draft struct {
	job    *backends.Job
	key    string
	wait   bool
	broken error
}

func (d *draft) header(name, value string) {
	switch lower := strings.ToLower(name); {
	case name == "":
		d.broken = &InvalidError{Field: "Header", Reason: "has no name"}
		return
	case strings.HasPrefix(lower, "leat-") || lower == "traceparent" || lower == "tracestate":
		d.broken = &InvalidError{Field: "Header", Reason: fmt.Sprintf("the name %q is the library's own", name)}
		return
	}
	if d.job.Headers == nil {
		d.job.Headers = map[string]string{}
	}
	d.job.Headers[name] = value
}

// small takes a number that is stored in 32 bits.
func (d *draft) small(field string, n int64) int32 {
	if n < math.MinInt32 || n > math.MaxInt32 {
		d.broken = &InvalidError{Field: field, Reason: "doesn't fit into 32 bits"}
	}
	return int32(n)
}

// draft makes of an empty j the job of args: id, payload, what the options say.
// After it, j is as it will be sent, however often; wait is WaitForRoom. If it
// fails, j is empty again.
func (q *Queue[T, R]) draft(ctx context.Context, f *facts, j *backends.Job, args T, opts []Option) (wait bool, err error) {
	d := draft{job: j}
	for i := range opts {
		opts[i].apply(&d)
	}
	if err = d.broken; err == nil {
		err = q.fill(ctx, f, &d, args)
	}
	if err != nil {
		*j = backends.Job{}
	}
	return d.wait, err
}

func (q *Queue[T, R]) fill(ctx context.Context, f *facts, d *draft, args T) error {
	payload, err := f.codec.Encode(args)
	if err != nil {
		return &encodeError{"args", err}
	}
	j := d.job
	j.Kind, j.Payload = f.kind, payload
	if err := q.identify(ctx, f, d); err != nil {
		return err
	}
	j.Headers = telemetry.Inject(ctx, j.Headers)
	// What no store takes must not cost a write to the bucket first.
	early := f.features
	early.MaxPayload = 0
	if err := j.Check(early); err != nil {
		return err
	}
	return f.packPayload(ctx, j)
}

// identify gives the job its id (R2): of its key, or random.
func (q *Queue[T, R]) identify(ctx context.Context, f *facts, d *draft) error {
	switch {
	case d.job.IsMember(): // its id is the batch's
		return q.remember(ctx, f, d)
	case d.key == "" && d.job.ID == "":
		d.job.ID = families.id()
		return nil
	case d.key == "":
		return nil
	}
	if !f.features.Records {
		return unsupported("Key", f)
	}
	secret, err := q.instanceKey(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return unsupported("Key", f)
	}
	if err != nil {
		return err
	}
	d.job.ID = keyedID(secret, d.job.Tenant, f.name, d.key)
	d.job.Fingerprint = fingerprint(secret, q.kind, d.job.Payload)
	return nil
}

// remember has a member keep its args apart from others: a splitter that starts again must
// find the slices that it found before.
func (q *Queue[T, R]) remember(ctx context.Context, f *facts, d *draft) error {
	secret, err := q.instanceKey(ctx)
	if err == nil {
		d.job.Fingerprint = fingerprint(secret, q.kind, d.job.Payload)
	}
	return err
}

func unsupported(what string, f *facts) error {
	return &unsupportedError{what, f.features.Name}
}

type unsupportedError struct{ what, backend string }

func (e *unsupportedError) Error() string {
	return e.what + " on " + e.backend + ": unsupported operation"
}
func (e *unsupportedError) Unwrap() error { return errors.ErrUnsupported }

// encodeError says that args or a result can't be encoded: a mistake of the
// caller.
type encodeError struct {
	what string
	err  error
}

func (e *encodeError) Error() string        { return e.what + " can't be encoded: " + e.err.Error() }
func (e *encodeError) Unwrap() error        { return e.err }
func (e *encodeError) Is(target error) bool { return target == ErrInvalid }
