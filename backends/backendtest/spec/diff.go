package spec

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/leat-go/leat/backends"
)

// diff collects what differs, one line per field.
type diff []error

func (d *diff) err() error { return errors.Join(*d...) }

func (d *diff) add(field string, got, want any) {
	*d = append(*d, fmt.Errorf("%s is %v, want %v", field, got, want))
}

// is compares plain values; both must have one type.
func (d *diff) is(field string, got, want any) {
	if got != want {
		d.add(field, got, want)
	}
}

func (d *diff) at(field string, got, want time.Time) {
	if !got.Equal(want) {
		d.add(field, clock(got), clock(want))
	}
}

func (d *diff) job(field string, got, want *backends.Job) {
	g, w := *got, *want
	if !bytes.Equal(g.Payload, w.Payload) || !maps.Equal(g.Headers, w.Headers) || !g.Due.Equal(w.Due) || !sameBatch(g.Batch, w.Batch) {
		d.add(field, g, w)
		return
	}
	type plain struct {
		backends.Ref
		kind, supersede, resource string
		fingerprint               uint64
		delay, expiry, limit      time.Duration
		maxAttempts, priority     int32
		trailing                  bool
	}
	strip := func(j backends.Job) plain {
		return plain{
			j.Ref, j.Kind, j.Supersede, j.Resource, j.Fingerprint, j.Delay, j.Expiry, j.RunLimit,
			j.MaxAttempts, j.Priority, j.Trailing,
		}
	}
	if strip(g) != strip(w) {
		d.add(field, g, w)
	}
}

func sameBatch(a, b *backends.Batch) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func (d *diff) batch(got *backends.BatchProgress, j *job) {
	if got == nil || j.batch == nil {
		d.is("Batch", got == nil, j.batch == nil)
		return
	}
	d.is("Batch", *got, *j.batch)
}

// failures compares attempts and texts.
func (d *diff) failures(got, want []backends.Failure) {
	if len(got) != len(want) {
		d.add("Failures", got, want)
		return
	}
	for i := range got {
		if got[i].Attempt != want[i].Attempt || got[i].Text != want[i].Text || !got[i].At.Equal(want[i].At) {
			d.add(fmt.Sprintf("Failures[%d]", i), got[i], want[i])
		}
	}
}

// clock prints an instant so that two of them are easily compared.
func clock(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("01-02 15:04:05.999999999")
}
