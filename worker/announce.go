package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
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

// announceLoop delivers events. Should an announcer end the goroutine, another goes on.
func (e *engine) announceLoop(loops *sync.WaitGroup) {
	stopped := false
	defer func() {
		if !stopped {
			loops.Go(func() { e.announceLoop(loops) })
		}
	}()
	for batch := e.nextEvents(); len(batch) > 0; batch = e.nextEvents() {
		e.announce(batch)
	}
	stopped = true
}

// announce makes one call, and takes in what came of it.
func (e *engine) announce(batch []*attempt) {
	begun := time.Now()
	errs := slices.Repeat([]error{errAnnouncerLeft}, len(batch)) // stands if it does
	defer func() {
		failed, err := e.told(batch, errs)
		e.watch.announced(len(batch), failed, time.Since(begun), err)
	}()
	errs = e.tellTopic(batch)
}

var errAnnouncerLeft = errors.New("the announcer called runtime.Goexit")

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
		errs = slices.Repeat([]error{err}, len(events))
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

// told passes the answers on, and counts those that say no.
func (e *engine) told(batch []*attempt, errs []error) (failed int, newest error) {
	e.mu.Lock()
	defer e.unlock()
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
	if e.near != nil && !e.behind() {
		e.near()
	}
	return failed, newest
}

// eventID names an end of a job: the same for every delivery, another after each
// redrive.
func eventID(r *backends.Record) string {
	return r.Job.ID + "." + strconv.FormatInt(r.Generation, 36)
}
