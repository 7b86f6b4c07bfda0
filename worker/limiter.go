package worker

import "time"

// Limiter moves how many handlers of a pool run at a time, by how they end: down where
// what they use is throttled, up again where it bears more. It is asked by the claim
// loop, and decides which slots count as free. A job that is held already runs, and a
// claim that waits for jobs may still bring as many as were free when it began: nothing is
// dropped, or given back, because the limit fell. Its methods are called from several
// goroutines, must be quick, and must not call the worker. One Limiter may serve several
// pools of a process, each of which runs as many as it says.
//
// [AIMD] is one. Those of other libraries fit in: the limit from there, the outcomes by
// a Handler around the Handler.
type Limiter interface {
	// Limit is how many handlers may run at a time from now on. Less than 1 counts as 1,
	// more than Concurrency as Concurrency: only a pause stops all.
	Limit() int

	// Ended is told of each handler that has returned. What it answers is for how long
	// nothing more is claimed; 0 = go on.
	Ended(Outcome) (pause time.Duration)
}

// Outcome is how one run of a handler ended, as a [Limiter] needs it.
type Outcome struct {
	Begun       time.Time
	Took        time.Duration
	Running     int // slots that were taken when it began, its own included
	Concurrency int // of the pool: no limit counts beyond it

	Throttled bool          // the handler returned RetryAfter
	After     time.Duration // and this is when to come again
	Err       error         // what it returned, or why its context had ended; nil = success
}

// pace is what the Limiter has said, under the engine's lock.
type pace struct {
	limit  int         // slots that count
	resume time.Time   // until when none does; zero = they do
	timer  *time.Timer // tells the claim loop of it
	broken bool        // the Limiter has panicked: its last word stands
}

// heed asks the Limiter. It is a user's, and isn't called under the lock.
func (e *engine) heed() {
	if !e.hasLimiter() {
		return
	}
	var n int
	err := safely(func() error { n = e.Limiter.Limit(); return nil })
	e.mu.Lock()
	defer e.unlock()
	if e.isWell(err) {
		e.pace.limit = min(max(1, n), e.Concurrency)
	}
}

// tellLimiter tells the Limiter what a handler has come to.
func (a *attempt) tellLimiter(v verdict) {
	e := a.e
	if !e.hasLimiter() {
		return
	}
	o := Outcome{Begun: a.begun, Took: time.Since(a.begun), Running: a.beside, Concurrency: e.Concurrency, Err: v.err}
	if later := as[RetryAfterError](v.err); later != nil {
		o.Throttled, o.After = true, later.After
	}
	if o.Err == nil {
		o.Err = v.cause
	}
	var pause time.Duration
	err := safely(func() error { pause = e.Limiter.Ended(o); return nil })
	e.mu.Lock()
	defer e.unlock()
	if e.isWell(err) && pause > 0 {
		e.pauseFor(min(pause, longestDelay))
	}
}

func (e *engine) hasLimiter() bool {
	if e.Limiter == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.pace.broken
}

// isWell takes note of a Limiter that panics: the worker goes on as it said last.
func (e *engine) isWell(err error) bool {
	if err != nil && !e.pace.broken {
		e.pace.broken = true
		e.later(func() { e.watch.limiterFailed(err) })
	}
	return err == nil
}

// pauseFor lets nothing begin for d. One timer ends all pauses.
func (e *engine) pauseFor(d time.Duration) {
	until := time.Now().Add(d)
	if !until.After(e.pace.resume) {
		return
	}
	e.pace.resume = until
	if e.pace.timer == nil {
		e.pace.timer = time.AfterFunc(d, e.resumed)
		return
	}
	e.pace.timer.Reset(d)
}

func (e *engine) resumed() {
	e.mu.Lock()
	defer e.unlock()
	if !time.Now().Before(e.pace.resume) {
		e.pace.resume = time.Time{}
		e.hasRoom()
	}
}

// endPause ends the timer, once the worker has stopped.
func (e *engine) endPause() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pace.timer != nil {
		e.pace.timer.Stop()
	}
}

// counted is how many slots count.
func (e *engine) counted() int {
	if !e.pace.resume.IsZero() {
		return 0
	}
	return e.pace.limit
}
