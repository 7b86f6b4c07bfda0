package broker

import (
	"context"
	"time"
)

// leaving is how one message goes, once what was written says that it may. The
// messages of a call leave together, in batches.
type leaving struct {
	d     *Delivery
	fresh *envelope     // sent first, in its place; nil = none
	back  bool          // given back, not acked
	delay time.Duration // of what is given back
	lease time.Duration // > 0: it stays, and is held that long from now
}

// acked is for a message that nobody needs any more.
func acked(d *Delivery) *leaving { return &leaving{d: d} }

// backIn is for a message that comes again. Where the broker knows no delay this
// long it comes earlier, and is given back once more.
func (b *Backend) backIn(d *Delivery, delay time.Duration) *leaving {
	return &leaving{d: d, back: true, delay: min(max(0, delay), b.facts.MaxNack)}
}

// anew puts a fresh message in the place of a delivered one; only then the old
// one goes. Its de-duplication id carries the number of sends, and it gives no
// hint of a version: only the creator may.
func (b *Backend) anew(d *Delivery, m *envelope) *leaving {
	next := *m
	next.Send++
	next.Hint = ""
	return &leaving{d: d, fresh: &next}
}

// later makes a message come at due, or at the job's deadline if that is still
// ahead: one that has passed says nothing of an end that waits to be announced.
func (b *Backend) later(d *Delivery, m *envelope, due int64) *leaving {
	now := time.Now().UnixNano()
	next := *m
	if next.Deadline <= now {
		next.Deadline = 0
	}
	next.Due = due
	delay := time.Duration(next.at() - now)
	if delay > b.facts.MaxNack && b.facts.MaxDelay > 0 && !b.facts.FIFO {
		return b.anew(d, &next)
	}
	return b.backIn(d, delay)
}

// depart has messages leave; a nil one stays as it is. The errors are parallel to
// the list.
func (b *Backend) depart(ctx context.Context, all []*leaving) []error {
	errs := make([]error, len(all))
	b.departing(all, errs, func(l *leaving) bool { return l.fresh != nil }, func(some []*leaving) ([]error, error) {
		messages := make([]Message, len(some))
		for i, l := range some {
			messages[i] = b.outgoing(l.fresh)
		}
		return b.transport.Send(ctx, messages)
	})
	b.departing(all, errs, func(l *leaving) bool { return !l.back && l.lease == 0 }, func(some []*leaving) ([]error, error) {
		return b.transport.Ack(ctx, deliveries(some))
	})
	b.departing(all, errs, func(l *leaving) bool { return l.back }, func(some []*leaving) ([]error, error) {
		nacks := make([]Nack, len(some))
		for i, l := range some {
			nacks[i] = Nack{l.d, l.delay}
		}
		return b.transport.Nack(ctx, nacks)
	})
	for i, l := range all { // few: an end that a worker is about to announce
		if l != nil && l.lease > 0 {
			failed, err := b.transport.Extend(ctx, l.lease, []*Delivery{l.d})
			errs[i] = oneOf(failed, err, 0)
		}
	}
	return errs
}

// departing does one step for those that need it and have not failed before.
func (b *Backend) departing(all []*leaving, errs []error, which func(*leaving) bool, step func([]*leaving) ([]error, error)) {
	var some []*leaving
	var of []int
	for i, l := range all {
		if l != nil && errs[i] == nil && which(l) {
			some, of = append(some, l), append(of, i)
		}
	}
	if len(some) == 0 {
		return
	}
	failed, err := step(some)
	for k, i := range of {
		errs[i] = oneOf(failed, err, k)
	}
}

func deliveries(some []*leaving) []*Delivery {
	ds := make([]*Delivery, len(some))
	for i, l := range some {
		ds[i] = l.d
	}
	return ds
}

// oneOf is the outcome of item i of a call: nil slices say that all went well.
func oneOf(errs []error, err error, i int) error {
	if err == nil && i < len(errs) {
		return errs[i]
	}
	return err
}
