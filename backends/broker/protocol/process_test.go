package protocol

import (
	"errors"
	"iter"
	"time"
)

// process is a program that may be killed between any two of its calls. Its body is a coroutine: straight-line code that
// hands control to the clock at every call, so one seed always gives one history.
type process struct {
	*world
	name string
	skew time.Duration // how far its clock is off
	body func(*process)
	next func() (instant, bool)
	stop func()

	yield   func(instant) bool
	seq     uint64 // the wake-up that counts
	wakes   instant
	dead    bool   // killed; to be restarted
	once    bool   // not to be restarted
	busy    string // the job it works on
	stalled bool
	began   instant // when its present step began
}

// killed unwinds a process without running any more of its code.
type killed struct{}

// failed unwinds one step of a process: a call gave an error, and what was begun is left to redelivery or to the caller's retry.
type failed struct{ err error }

var errUnavailable = errors.New("unavailable")

// start gives a body a process of its own, which is restarted a while after it was killed.
func (w *world) start(name string, at instant, body func(*process)) *process {
	p := &process{world: w, name: name, body: body}
	if !w.directed {
		p.skew = time.Duration(w.rng.Int64N(int64(2*maxSkew))) - maxSkew
	}
	w.processes = append(w.processes, p)
	p.spawn()
	w.wakeAt(p, at)
	return p
}

func (p *process) spawn() {
	p.dead, p.stalled, p.busy = false, false, ""
	p.next, p.stop = iter.Pull(func(yield func(instant) bool) {
		defer func() {
			switch r := recover().(type) {
			case nil:
			case killed:
			default:
				panic(r)
			}
		}()
		p.yield = yield
		p.body(p)
	})
}

// wakeAt makes this the next and only wake-up of p.
func (w *world) wakeAt(p *process, at instant) {
	w.seq++
	p.seq, p.wakes = w.seq, at
	if at != never {
		w.agenda.push(wakeup{at, w.seq, p})
	}
}

// resume runs p until its next call, its end or its death.
func (w *world) resume(p *process) {
	if at, alive := p.next(); alive {
		w.wakeAt(p, at)
		return
	}
	if p.dead && !p.once {
		p.spawn()
		w.wakeAt(p, w.now+w.between(time.Second, 40*time.Second))
	}
}

// pause lets time pass. Nobody else moves if nobody else is due.
func (p *process) pause(d time.Duration) { p.pauseUntil(p.now + d) }

func (p *process) pauseUntil(at instant) {
	if at <= p.horizon && (len(p.agenda) == 0 || p.agenda[0].at > at) {
		p.now = max(p.now, at)
		return
	}
	if !p.yield(at) {
		panic(killed{})
	}
}

// hang is a process that stands still and then goes on as if nothing had been.
func (p *process) hang(d time.Duration) {
	p.stalled = true
	p.pause(d)
	p.stalled = false
}

func (p *process) die() {
	p.dead, p.busy = true, ""
	panic(killed{})
}

// clock is what this process believes the time to be.
func (p *process) clock() instant { return p.now + p.skew }

// try runs one step; an error of any call in it ends the step, not the process.
func (p *process) try(step func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failed:
			err = r.err
		default:
			panic(r)
		}
	}()
	step()
	return nil
}

// call is the one door to broker, records and topics: everything that can go wrong with a call goes wrong here.
func (p *process) call(verb, id string, effect func()) {
	p.pause(p.latency())
	f, stall := p.fate(verb)
	if f != fine {
		p.tracef(p, id, "%s: %s", verb, f)
	}
	switch f {
	case killBefore:
		p.die()
	case failBefore:
		panic(failed{errUnavailable})
	case stallBefore:
		p.hang(stall)
	}
	effect()
	switch f {
	case killAfter:
		p.die()
	case failAfter:
		panic(failed{errUnavailable})
	case stallAfter:
		p.hang(stall)
	case lostReply: // it took effect, the reply was lost, the SDK repeats it
		p.pause(p.between(10*time.Millisecond, 2*time.Second))
		effect()
	}
}
