package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// Events leave in batches of at most so many, by so many loops at a time: one slow
// call to the topic holds up neither the others nor the settle loop.
const (
	announceBatch = 100
	announcers    = 4
)

// What could not be announced is tried again between a second and five minutes
// later.
const (
	soonest = time.Second
	latest  = 5 * time.Minute
)

// announceAgain is how long to wait when so long after the job's end what it owes
// could not be paid: as long again, so that the waits double without a counter.
func announceAgain(sinceEnd time.Duration) time.Duration {
	d := min(max(sinceEnd, soonest), latest)
	return d/2 + rand.N(d/2+1)
}

// announceLoop delivers events.
func (e *engine) announceLoop() {
	for {
		batch := e.nextEvents()
		if len(batch) == 0 {
			return
		}
		errs := e.tellTopic(batch)
		e.told(batch, errs)
	}
}

// nextEvents waits for events of one topic; nothing = the worker has stopped.
func (e *engine) nextEvents() []*attempt {
	for {
		e.mu.Lock()
		batch := e.sameTopic()
		if e.untold.len() > 0 {
			e.tell.send()
		}
		e.mu.Unlock()
		if len(batch) > 0 {
			return batch
		}
		select {
		case <-e.tell:
		case <-e.life.Done():
			return nil
		}
	}
}

// sameTopic takes what waits for the topic of the first.
func (e *engine) sameTopic() []*attempt {
	var batch []*attempt
	for e.untold.len() > 0 && len(batch) < announceBatch {
		if len(batch) > 0 && e.untold.items[e.untold.head].kind != batch[0].kind {
			break
		}
		batch = append(batch, e.untold.pop())
	}
	return batch
}

// tellTopic makes one call. An announcer that panics, or forgets some, has failed.
func (e *engine) tellTopic(batch []*attempt) (errs []error) {
	ctx, cancel := context.WithTimeout(e.hard, callTimeout)
	defer cancel()
	events := make([]queue.Event, len(batch))
	err := safely(func() error {
		for i, a := range batch {
			if err := e.findNewer(ctx, a); err != nil {
				return err
			}
			events[i] = a.event()
		}
		errs = batch[0].kind.announcer.Announce(ctx, events)
		if errs != nil && len(errs) != len(events) {
			return fmt.Errorf("the announcer gave %d errors for %d events", len(errs), len(events))
		}
		return nil
	})
	if err != nil {
		errs = make([]error, len(events))
		for i := range errs {
			errs[i] = err
		}
	}
	return errs
}

// findNewer looks up which job took the place of one that was overtaken as it
// committed. An event must not leave without it: no other will follow.
func (e *engine) findNewer(ctx context.Context, a *attempt) error {
	if a.ended.State != backends.Superseded || a.ended.SupersededBy != "" {
		return nil
	}
	r, err := e.store.Lookup(ctx, a.Lease.Job.Ref, 0)
	switch {
	case errors.Is(err, backends.ErrNotFound):
		return nil
	case err != nil:
		return err
	case r.Generation == a.Lease.Generation && r.State.Ended():
		e.mu.Lock()
		defer e.mu.Unlock()
		a.ended = r
	}
	return nil
}

// told passes the answers on.
func (e *engine) told(batch []*attempt, errs []error) {
	failed := 0
	var newest error
	e.mu.Lock()
	for i, a := range batch {
		var err error
		if errs != nil {
			err = errs[i]
		}
		if err != nil {
			failed++
			newest = err
		}
		e.telling--
		a.announced(err)
	}
	e.unlock()
	e.watch.announced(len(batch), failed, newest)
}

// runWriteBack is the slot's part of announcing.
func (a *attempt) runWriteBack() {
	hook := a.after
	if hook == nil {
		hook = func(ctx context.Context) error { return a.kind.after(ctx, a) }
	}
	err := safely(func() error { return hook(a.ctx) })
	if errors.Is(err, seam.ErrUndecodable) { // it never will
		a.e.watch.unwritable(a, err)
		err = nil
	}
	a.e.watch.wroteBack(a, err)
	if err != nil {
		return
	}
	a.e.mu.Lock()
	a.unpaid &^= backends.WriteBack
	a.e.mu.Unlock()
}

// settledByHandler holds a handler to its word: it said that it has committed the
// job itself.
func (a *attempt) settledByHandler(v verdict) verdict {
	ctx, cancel := context.WithTimeout(a.e.hard, callTimeout)
	defer cancel()
	r, err := a.e.store.Lookup(ctx, a.Lease.Job.Ref, 0)
	switch {
	case errors.Is(err, backends.ErrNotFound): // kept for no time at all
		a.confirm(a.record(backends.Succeeded))
		v.err = nil
	case err != nil:
		v.err = fmt.Errorf("the handler has settled the job, it says, and its record can't be read: %w", err)
	case r.Generation == a.Lease.Generation && r.Token == a.Lease.Token && r.State.Ended():
		a.confirm(r)
		v.err = nil
	default:
		v.err = fmt.Errorf("the handler returned Settled, but the job is %v: did its transaction commit?", r.State)
	}
	return v
}

func (a *attempt) confirm(r *backends.Record) {
	a.e.mu.Lock()
	defer a.e.mu.Unlock()
	a.ended, a.unpaid, a.stage = r, r.Owes, confirmed
}

// eventID names an end of a job: the same for every delivery, another after each
// redrive.
func eventID(r *backends.Record) string {
	return r.Job.ID + "." + strconv.FormatInt(r.Generation, 36)
}
