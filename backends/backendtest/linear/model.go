package linear

import (
	"errors"
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/leat-go/leat/backends"
)

const maxCrashes = 3

type verb string

const (
	enqueue verb = "enqueue"
	claim   verb = "claim"
	extend  verb = "extend"
	settle  verb = "settle"
	lookup  verb = "lookup"
	cancel  verb = "cancel"
	redrive verb = "redrive"
)

// call is what a client asked, and between which two instants of the clock.
type call struct {
	verb
	id            string
	before, after int64

	span       time.Duration // of a lease or delay
	token      uint64
	generation int64
	settlement backends.Verb
	outcome    backends.State
	keeps      bool // redrive: the store has the payload, whatever has become of the job
}

// reply is what it was told.
type reply struct {
	look
	duplicate bool
	err       error
}

// look is what a lease or a record shows of a job.
type look struct {
	state      backends.State // 0 = there is none
	token      uint64
	generation int64
	attempt    int
	crashes    int
	owes       backends.Debt
	cancelling bool
}

// job is the state of the model: one job, with no code of the stores in it.
type job struct {
	look
	named  bool // generation was seen: the first is the store's to choose
	leased bool
	due    int64          // the earliest instant at which a claim may take it
	last   backends.Verb  // that ended the newest lease
	asked  backends.State // the outcome of a commit
	told   error          // what its holder heard
}

// model allows what the contract says of one job. Expiry is the one thing that
// happens by itself: a claim that comes by after the lease may end a job that is
// to be cancelled or has crashed too often, or give up its debt, and nobody is
// told. Such a step may come before any call, but not before its time.
func model() porcupine.Model {
	nm := porcupine.NondeterministicModel{
		Init: func() []any { return []any{job{}} },
		Step: func(state, input, output any) []any {
			in, out := input.(call), output.(reply)
			var next []any
			for _, j := range state.(job).orLapsed(in.after) {
				if after, ok := j.step(in, out); ok {
					next = append(next, after)
				}
			}
			return next
		},
		DescribeOperation: func(input, output any) string { return describe(input.(call), output.(reply)) },
		DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
	}
	return nm.ToModel()
}

// orLapsed is j, and what a claim may have made of it until now.
func (j job) orLapsed(now int64) []job {
	all := []job{j}
	if j.due == 0 || j.due > now {
		return all
	}
	if j.state == backends.Running && (j.cancelling || j.crashes+1 >= maxCrashes) {
		end := backends.Dead
		if j.cancelling {
			end = backends.Cancelled
		}
		j = j.end(end)
		j.leased, j.due = false, 1
		all = append(all, j)
	}
	if j.state.Ended() && j.leased && j.crashes+1 >= maxCrashes {
		j.crashes++
		all = append(all, j.close())
	}
	return all
}

func (j job) step(in call, out reply) (job, bool) {
	switch in.verb {
	case enqueue:
		if j.state != 0 {
			return j, out.duplicate
		}
		return job{look: look{state: backends.Waiting}, due: 1}, out.err == nil && !out.duplicate
	case lookup:
		if j.state == 0 {
			return j, errors.Is(out.err, backends.ErrNotFound)
		}
		j = j.name(out.generation)
		return j, out.err == nil && j.look == out.look
	case claim:
		return j.claim(in, out.look)
	case extend:
		return j.extend(in, out.err)
	case settle:
		return j.settle(in, out.err)
	case cancel:
		return j.cancel(out.err)
	}
	return j.redrive(in, out.err)
}

func (j job) claim(in call, got look) (job, bool) {
	if j.due == 0 || j.due > in.after {
		return j, false
	}
	if j.leased {
		j.crashes++
	}
	switch {
	case j.state.Ended():
		if j.crashes >= maxCrashes {
			return j, false
		}
	case j.cancelling || j.state == backends.Running && j.crashes >= maxCrashes:
		return j, false
	default:
		j.state = backends.Running
		j.attempt++
	}
	j = j.name(got.generation)
	j.token++
	j.leased, j.last, j.due = true, 0, in.before+int64(in.span)
	return j, j.look == got
}

// name takes note of the generation that the store began with.
func (j job) name(generation int64) job {
	if !j.named {
		j.generation, j.named = generation, true
	}
	return j
}

func (j job) stale(in call) bool { return in.token != j.token || in.generation != j.generation }

func (j job) extend(in call, err error) (job, bool) {
	if j.stale(in) || !j.leased {
		return j, errors.Is(err, backends.ErrLost)
	}
	j.due = in.before + int64(in.span)
	if j.cancelling {
		return j, errors.Is(err, backends.ErrCancelled)
	}
	return j, err == nil
}

func (j job) settle(in call, err error) (job, bool) {
	v := in.settlement
	switch {
	case j.stale(in):
		return j, errors.Is(err, backends.ErrLost)
	case j.last == v && j.asked == in.outcome && (v == backends.Commit || !j.leased): // as the first time
		return j, is(err, j.told)
	case j.state.Ended() && v == backends.Commit: // otherwise than before
		return j, err != nil
	case !j.leased:
		return j, errors.Is(err, backends.ErrLost)
	case j.state.Ended():
		return j.settleOwing(in, err)
	case v == backends.Announced:
		return j, errors.Is(err, backends.ErrNotReady)
	}
	var want error
	again := in.before + int64(in.span) // a release has none
	switch {
	case j.cancelling:
		want, again = backends.ErrCancelled, in.before
		j = j.end(backends.Cancelled)
	case v == backends.Commit:
		j = j.end(in.outcome)
	default:
		j.state = backends.Waiting
		if v != backends.Retry {
			j.attempt--
		}
	}
	if v == backends.Commit {
		j.due = max(j.due, in.before+int64(backends.KeptLease))
	} else {
		j.leased, j.due = false, again
	}
	j.last, j.asked, j.told = v, in.outcome, want
	return j, is(err, want)
}

func (j job) settleOwing(in call, err error) (job, bool) {
	if in.settlement == backends.Announced {
		j = j.close()
	} else {
		j.leased, j.due = false, in.before+int64(in.span)
	}
	j.last, j.asked, j.told = in.settlement, 0, nil
	return j, err == nil
}

func (j job) cancel(err error) (job, bool) {
	switch {
	case j.state == 0:
		return j, errors.Is(err, backends.ErrNotFound)
	case j.state == backends.Cancelled:
		return j, err == nil
	case j.state.Ended():
		return j, errors.Is(err, backends.ErrEnded)
	case j.state == backends.Running:
		j.cancelling = true
	default:
		j = j.end(backends.Cancelled)
		j.due = 1
	}
	return j, err == nil
}

func (j job) redrive(in call, err error) (job, bool) {
	j = j.name(in.generation)
	switch {
	case in.generation != j.generation:
		return j, err == nil
	case j.state == backends.Succeeded:
		return j, errors.Is(err, backends.ErrEnded)
	case !j.state.Ended() || j.owes != 0:
		return j, errors.Is(err, backends.ErrNotReady)
	case j.state == backends.Cancelled && !in.keeps && errors.Is(err, backends.ErrNotReady):
		return j, true // until a message has brought the payload
	}
	again := look{state: backends.Waiting, token: j.token, generation: j.generation + 1}
	return job{look: again, named: true, due: 1}, err == nil
}

// end leaves an event owed; who holds the job keeps it for that.
func (j job) end(s backends.State) job {
	j.state, j.crashes, j.cancelling, j.owes = s, 0, false, backends.Event
	return j
}

func (j job) close() job {
	j.owes, j.leased, j.due = 0, false, 0
	return j
}

func is(got, want error) bool {
	if want == nil {
		return got == nil
	}
	return errors.Is(got, want)
}

func describe(in call, out reply) string {
	s := string(in.verb)
	switch in.verb {
	case claim:
		s += fmt.Sprintf(" for %v", in.span)
	case extend:
		s += fmt.Sprintf(" #%d by %v", in.token, in.span)
	case settle:
		s += fmt.Sprintf(" #%d: %v %v after %v", in.token, in.settlement, in.outcome, in.span)
	case redrive:
		s += fmt.Sprintf(" generation %d", in.generation)
	}
	at := time.Unix(0, in.after).UTC().Format("04:05.000000")
	switch {
	case out.err != nil:
		return fmt.Sprintf("%s at %s → %v", s, at, out.err)
	case out.duplicate:
		return fmt.Sprintf("%s at %s → duplicate", s, at)
	case out.look != look{}:
		return fmt.Sprintf("%s at %s → %+v", s, at, out.look)
	}
	return fmt.Sprintf("%s at %s → ok", s, at)
}
