package worker

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
)

// beatLoop renews the leases that are held, carries progress out, and brings back
// that a job was cancelled, superseded or lost.
func (e *engine) beatLoop() {
	tick := time.NewTicker(e.Beat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			e.beat()
		case <-e.life.Done():
			return
		}
	}
}

func (e *engine) beat() {
	held, beats := e.held()
	if len(held) == 0 {
		e.health.beaten(nil)
		return
	}
	ctx, cancel := context.WithTimeout(e.life, max(e.Lease/3, time.Second))
	defer cancel()
	errs, err := e.store.Extend(ctx, e.Lease, beats)
	e.watch.beaten(cmp.Or(err, firstUnknown(errs)))
	if err != nil {
		return // the next beat tells
	}
	e.mu.Lock()
	defer e.unlock()
	for i, a := range held {
		var answer error
		if errs != nil {
			answer = errs[i]
		}
		if p := beats[i].Progress; p != nil && !unknown(answer) {
			a.told = p
		}
		if answer != nil {
			a.mark(answer)
		}
	}
}

// firstUnknown is the first error that says nothing of its lease, nil if there is none.
func firstUnknown(errs []error) error {
	for _, err := range errs {
		if unknown(err) {
			return err
		}
	}
	return nil
}

// held are the attempts whose leases are to be renewed.
func (e *engine) held() (held []*attempt, beats []backends.Beat) {
	e.mu.Lock()
	defer e.unlock()
	for _, a := range e.live {
		if a.lost || a.stuck {
			continue
		}
		held = append(held, a)
		beats = append(beats, backends.Beat{Lease: a.Lease, Progress: a.progress()})
	}
	return held, beats
}

// progress is what is new since the last beat.
func (a *attempt) progress() *backends.Progress {
	if p := a.Newest(); p != a.told && a.ended == nil {
		return p
	}
	return nil
}

// mark tells a handler that its job is no longer its own, by the plain errors that
// causes are compared with. Its time is up then: the clock ends its context, and
// gives it its grace.
func (a *attempt) mark(err error) {
	if a.gone || a.stage != running && a.stage != ready {
		return // it has returned: the settle loop will be told
	}
	for _, cause := range [...]error{backends.ErrLost, backends.ErrCancelled, backends.ErrSuperseded} {
		if errors.Is(err, cause) {
			a.lost = cause == backends.ErrLost
			a.marked = cause
			if a.stage == running && a.end.After(time.Now()) {
				a.end, a.why = time.Now(), cause
				a.e.clock.send()
			}
		}
	}
}

// clockLoop ends the contexts of handlers in time, by one timer for all.
func (e *engine) clockLoop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(e.tick(time.Now()))
		select {
		case <-timer.C:
		case <-e.clock:
		case <-e.life.Done():
			return
		}
	}
}

// tick ends what is due, and returns how long nothing more is.
func (e *engine) tick(now time.Time) time.Duration {
	e.mu.Lock()
	defer e.unlock()
	e.alarm = now.Add(time.Hour)
	for _, a := range e.live {
		if a.end.IsZero() {
			continue
		}
		end := a.end
		if !now.Before(end) {
			a.cancel(a.why)
			end = end.Add(e.Grace)
		}
		if !now.Before(end) { // R8: it runs elsewhere from now on
			if !a.stuck {
				a.stuck = true
				why := a.why
				e.later(func() { e.watch.stuck(a, why) })
			}
			continue
		}
		if end.Before(e.alarm) {
			e.alarm = end
		}
	}
	return e.alarm.Sub(now)
}
