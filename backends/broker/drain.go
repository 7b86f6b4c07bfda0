package broker

import (
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
)

const (
	drainEvery = 5 * time.Minute
	drainWait  = 2 * time.Second // for a first message: none is the rule
	drainLease = time.Minute     // to deal with one batch
	drainBatch = 10
)

// drainForEver empties the broker's own dead-letter queue into records, from time
// to time, until the Backend is closed.
func (b *Backend) drainForEver() {
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for {
		if err := b.drain(b.stop); err != nil && b.stop.Err() == nil {
			b.logger().Warn("broker: the dead-letter queue can't be drained", "error", err)
		}
		select {
		case <-b.stop.Done():
			return
		case <-tick.C:
		}
	}
}

// drain takes what is in the dead-letter queue now.
func (b *Backend) drain(ctx context.Context) error {
	for b.queueName() != "" { // else nobody has said yet whose it is
		wait, cancel := context.WithTimeout(ctx, drainWait)
		ds, err := b.opts.DeadLetters.Receive(wait, drainBatch, drainLease)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		var buried []*Delivery
		for _, d := range ds {
			if err := b.bury(ctx, d); err != nil { // it stays, and is looked at again
				b.worried(err)
				b.logger().WarnContext(ctx, "broker: a dead message is left where it is", "message", d.ID, "error", err)
				continue
			}
			buried = append(buried, d)
		}
		if errs, err := b.opts.DeadLetters.Ack(ctx, buried); err != nil || errors.Join(errs...) != nil {
			return errors.Join(append(errs, err)...)
		}
		if len(buried) == 0 {
			return nil
		}
	}
	return nil
}

// bury sees to it that nothing needs this message any more.
func (b *Backend) bury(ctx context.Context, d *Delivery) error {
	m, err := decode(d.Body)
	if errors.Is(err, errForeign) {
		m, err = b.adopt(ctx, d)
	}
	if err != nil {
		return err
	}
	if m.Queue != b.queueName() {
		return errStray
	}
	key := recordKey(backends.Ref{Tenant: m.Job.Tenant, ID: m.Job.ID})
	for range tries {
		r, v, err := b.load(ctx, key, "")
		if err != nil {
			return err
		}
		if r == nil {
			return errNoRecord
		}
		if err = b.buryAt(ctx, d, m, r, v); !errors.Is(err, backends.ErrConflict) {
			return err
		}
	}
	return errBusy
}

// buryAt decides against the record as it was at v.
func (b *Backend) buryAt(ctx context.Context, d *Delivery, m *envelope, r *record, v backends.Version) error {
	now, policy := time.Now().UnixNano(), b.policy()
	switch ended := r.Life.State.Ended(); {
	case m.Generation < r.Life.Generation:
		return nil
	case m.Generation > r.Life.Generation:
		return b.buryRedriven(ctx, m, r, v)
	case ended && r.Life.Due != 0:
		return b.wake(ctx, r)
	case ended || m.Wake:
		return nil
	case r.Life.Held() || r.Life.State == backends.Waiting && r.Life.Place > now,
		r.Holder != "" && r.Holder != d.ID: // it only waited too often
		next := *m
		next.Send++
		next.Hint = ""
		return b.send(ctx, &next)
	case r.Life.Leased && r.Until > now:
		return errRuns
	}
	life, _ := r.Life.GiveUp(r.facts(now, policy))
	next := r.moved(life, now, policy)
	next.keepPayload(m.payload())
	if life.State == backends.Dead {
		next.Reason = backends.ReasonDelivered
	}
	if _, err := b.put(ctx, r, next, v); err != nil {
		return err
	}
	if next.Life.Due != 0 {
		return b.wake(ctx, next)
	}
	return nil
}

// errRuns: its lease may be kept alive by a receipt from before.
var errRuns = errors.New("the job may still run")

// buryRedriven begins the life that the message was sent for, so that it can end.
func (b *Backend) buryRedriven(ctx context.Context, m *envelope, r *record, v backends.Version) error {
	if r.Redriven == 0 || m.Generation != r.Life.Generation+1 {
		return nil
	}
	next, err := r.revived(b.policy())
	if err != nil {
		return err
	}
	if _, err := b.put(ctx, r, next, v); err != nil {
		return err
	}
	return backends.ErrConflict // look again
}
