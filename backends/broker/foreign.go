package broker

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
)

// adopt makes a job of a message without an envelope. The id follows from the
// broker's own, so a redelivery adopts the same; the payload is the body as it
// came. One that comes when its record would be gone is not adopted: it may be a
// late copy, and it has no generation to tell by.
func (b *Backend) adopt(ctx context.Context, d *Delivery) (*envelope, error) {
	job := backends.Job{
		Ref:     backends.Ref{ID: foreignID(b.facts.Name, b.queueName(), d.ID)},
		Payload: d.Body, Headers: ownHeaders(d.Headers),
	}
	if job.Check(backends.Features{}) != nil { // its headers, which are theirs
		job.Headers = nil
	}
	r := b.born(b.queueName(), &job, b.clock.next(time.Now().UnixNano(), 0))
	if b.records == nil {
		r.Life.Generation = 1
		return r.message(d.Body), nil
	}
	old, _, err := b.load(ctx, recordKey(job.Ref), "")
	if err != nil {
		return nil, err
	}
	if old == nil {
		if !d.Sent.IsZero() && time.Since(d.Sent) > b.retention() {
			return nil, errTooOld
		}
		_, err = b.put(ctx, &record{}, r, "")
		if errors.Is(err, backends.ErrConflict) {
			old, _, err = b.load(ctx, recordKey(job.Ref), "")
		}
		if err != nil {
			return nil, err
		}
	}
	if old != nil {
		r = old
	}
	return r.message(d.Body), nil
}

var errTooOld = errors.New("foreign message older than what the queue keeps")

func (b *Backend) queueName() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue
}
