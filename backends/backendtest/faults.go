package backendtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/leat-go/leat/backends"
)

// The Backend behind Faulty, and callers who retry as the contract says: nothing
// that was acknowledged is lost, and nothing is recorded twice.
var faultCases = slices.Concat(lossyCases(), zombieCases, repeatedCases)

// lossy are the ways to lose or double a message, each at several rates.
var lossy = []struct {
	name string
	Fault
}{
	{"LostRequest", Fault{When: Before, Kind: Fail}},
	{"LostReply", Fault{When: After, Kind: Fail}},
	{"Repeat", Fault{Kind: Repeat}},
}

func rates() []Rate { return []Rate{Times(1), Times(2), Every(3), Share(0.1, 24)} }

func lossyCases() []testCase {
	var cases []testCase
	for _, v := range []Verb{Enqueue, Claim, Extend, Settle, Lookup} {
		for _, l := range lossy {
			cases = append(cases, testCase{
				"R3", l.name + "Of" + v.String() + "LosesNothing", "a bad network loses jobs that were accepted, or records their effect twice",
				records,
				func(e *env) {
					for i, rate := range rates() {
						f := l.Fault
						f.Verb, f.Rate = v, rate
						newStory(e, f, i).run()
					}
				},
			})
		}
	}
	return cases
}

// story is a producer, a worker and a caller over one faulty Backend.
type story struct {
	*env
	f       *Faulty
	tenant  string
	jobs    []backends.Job
	effects map[backends.Ref]string // what was recorded, as the worker was told
}

func newStory(e *env, f Fault, i int) *story {
	tenant := fmt.Sprint("tenant-", i)
	e.policy = &backends.Policy{MaxCrashes: 1000}
	return &story{
		env: e, f: NewFaulty(e.B, f), tenant: tenant,
		jobs: crowd(12, tenant), effects: map[backends.Ref]string{},
	}
}

func (s *story) run() {
	s.Helper()
	for _, j := range s.jobs {
		s.produce(j)
	}
	for turns := 0; len(s.effects) < len(s.jobs); turns++ {
		if turns > 500 {
			s.Fatalf("%d of %d jobs are done after %d claims", len(s.effects), len(s.jobs), turns)
		}
		s.work()
	}
	for _, j := range s.jobs {
		r := s.look(j.Ref)
		if r.State != backends.Succeeded || string(r.Result) != s.effects[j.Ref] {
			s.Fatalf("job is %v with result %q, want it succeeded with %q", r.State, r.Result, s.effects[j.Ref])
		}
	}
	s.claimNone(s.request(1)) // nothing was made twice
	if s.f.Injected(AnyVerb) == 0 {
		s.Fatalf("no fault was injected")
	}
}

// again repeats a call until it is answered, as the contract allows.
func again[T any](e *env, call func() (T, error)) T {
	e.Helper()
	for range 50 {
		out, err := call()
		if err == nil {
			return out
		}
		if !errors.Is(err, ErrInjected) {
			e.Fatalf("%v", err)
		}
	}
	e.Fatalf("50 calls in a row failed")
	panic("unreachable")
}

func (s *story) produce(j backends.Job) {
	s.Helper()
	out := again(s.env, func() ([]backends.Enqueued, error) {
		return s.f.Enqueue(s.Context(), backends.EnqueueRequest{Queue: theQueue, Policy: s.policy, Jobs: []backends.Job{j}})
	})
	if out[0].Err != nil || out[0].Ref != j.Ref {
		s.Fatalf("Enqueue: %+v", out[0])
	}
}

// work is one claim and what follows. A claim whose reply is lost leaves a lease
// that lapses; the next claims wait for it.
func (s *story) work() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 2*s.unit)
	defer cancel()
	leases, err := s.f.Claim(ctx, s.requestFor(1))
	if err != nil {
		if !errors.Is(err, ErrInjected) && !errors.Is(err, context.DeadlineExceeded) {
			s.Fatalf("Claim: %v", err)
		}
		return
	}
	for _, l := range leases {
		if _, err := s.f.Extend(s.Context(), s.unit, []backends.Beat{{Lease: l}}); err != nil {
			s.expect(err, ErrInjected) // the next beat would come
		}
		s.record(l)
	}
}

// record commits a result that names its attempt.
func (s *story) record(l *backends.Lease) {
	s.Helper()
	c := commitAs(l, backends.Succeeded)
	c.Result = []byte("by token " + strconv.FormatUint(l.Token, 10))
	errs := again(s.env, func() ([]error, error) { return s.f.Settle(s.Context(), []backends.Settlement{c}) })
	switch err := first(errs); {
	case errors.Is(err, backends.ErrLost): // somebody else's now
	case err != nil:
		s.Fatalf("commit: %v", err)
	case s.effects[l.Job.Ref] != "":
		s.Fatalf("recorded %q after %q", c.Result, s.effects[l.Job.Ref])
	default:
		s.effects[l.Job.Ref] = string(c.Result)
	}
}

func (s *story) look(ref backends.Ref) *backends.Record {
	s.Helper()
	return again(s.env, func() (*backends.Record, error) { return s.f.Lookup(s.Context(), ref, 0) })
}

// zombieCases: holders who don't know that they lost their lease.
var zombieCases = []testCase{
	{
		"R5", "StalledBeatsMakeAZombie", "a process that was stopped for a minute overwrites the result of its successor",
		records,
		func(e *env) {
			f := NewFaulty(e.B, Fault{Verb: Extend, Kind: Stall})
			zombie := e.start(1)
			for range 4 {
				errs, err := f.Extend(e.Context(), e.unit, []backends.Beat{{Lease: zombie}})
				e.expect(errors.Join(append(errs, err)...), nil) // it believes that all is well
				e.pass(0.5)
			}
			l := e.claimThe(zombie.Job.Ref)
			f.Lift()
			for _, v := range []backends.Verb{backends.Commit, backends.Retry, backends.Snooze, backends.Release, backends.Announced} {
				s := backends.Settlement{Lease: zombie, Verb: v}
				if v == backends.Commit {
					s.Outcome, s.Result = backends.Succeeded, []byte("zombie")
				}
				errs, err := f.Settle(e.Context(), []backends.Settlement{s})
				e.expect(err, nil)
				e.expect(first(errs), backends.ErrLost)
			}
			errs, err := f.Extend(e.Context(), e.unit, []backends.Beat{{Lease: zombie, Progress: &backends.Progress{Percent: 99}}})
			e.expect(err, nil)
			e.expect(first(errs), backends.ErrLost)
			e.expect(e.settleAs(l, backends.Commit), nil)
			if r := e.expectState(l.Job.Ref, backends.Succeeded); string(r.Result) != "result" || r.Progress.Percent == 99 {
				e.Fatalf("record says %+v", r)
			}
		},
	},
	{
		"R5", "SlowCommitLosesToAFasterOne", "a commit that was stuck in the network overwrites a newer result",
		records,
		func(e *env) {
			f := NewFaulty(e.B, Fault{Verb: Settle, Kind: Delay, Delay: e.span(3)})
			slow := e.start(1)
			lost := make(chan error, 1)
			go func() {
				errs, err := f.Settle(e.Context(), []backends.Settlement{commitAs(slow, backends.Dead)})
				lost <- errors.Join(append(errs, err)...)
			}()
			e.commit(e.claimThe(slow.Job.Ref))
			e.expect(await(e, lost), backends.ErrLost)
			e.expectState(slow.Job.Ref, backends.Succeeded)
		},
	},
}
