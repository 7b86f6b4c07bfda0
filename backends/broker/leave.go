package broker

import (
	"context"
	"time"
)

// The ways in which a message leaves.

func (b *Backend) ack(ctx context.Context, d *Delivery) error {
	errs, err := b.transport.Ack(ctx, []*Delivery{d})
	if err != nil {
		return err
	}
	return outcome(errs, 0)
}

// nack gives a message back. Where the broker knows no delay this long it comes
// earlier, and is given back once more.
func (b *Backend) nack(ctx context.Context, d *Delivery, delay time.Duration) error {
	errs, err := b.transport.Nack(ctx, []Nack{{d, min(max(0, delay), b.facts.MaxNack)}})
	if err != nil {
		return err
	}
	return outcome(errs, 0)
}

// later makes a message come at due, or at the job's deadline if that is still
// ahead: one that has passed says nothing of an end that waits to be announced.
func (b *Backend) later(ctx context.Context, d *Delivery, m *envelope, due int64) error {
	now := time.Now().UnixNano()
	next := *m
	if next.Deadline <= now {
		next.Deadline = 0
	}
	next.Due = due
	delay := time.Duration(next.at() - now)
	if delay > b.facts.MaxNack && b.facts.MaxDelay > 0 && !b.facts.FIFO {
		return b.anew(ctx, d, &next)
	}
	return b.nack(ctx, d, delay)
}

// anew puts a fresh message in the place of a delivered one; only then the old
// one goes. Its de-duplication id carries the number of sends, and it gives no
// hint of a version: only the creator may.
func (b *Backend) anew(ctx context.Context, d *Delivery, m *envelope) error {
	next := *m
	next.Send++
	next.Hint = ""
	if err := b.send(ctx, &next); err != nil {
		return err
	}
	return b.ack(ctx, d)
}
