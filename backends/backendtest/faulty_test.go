package backendtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
)

// stub answers every verb at once and counts the calls that reach it.
type stub struct {
	backends.Backend // nil: no other method may be called
	calls            map[Verb]int
}

func newStub() *stub { return &stub{calls: map[Verb]int{}} }

func (s *stub) Enqueue(context.Context, backends.EnqueueRequest) ([]backends.Enqueued, error) {
	s.calls[Enqueue]++
	return []backends.Enqueued{{Order: int64(s.calls[Enqueue])}}, nil
}

func (s *stub) Claim(context.Context, backends.ClaimRequest) ([]*backends.Lease, error) {
	s.calls[Claim]++
	return []*backends.Lease{{Token: uint64(s.calls[Claim])}}, nil
}

func (s *stub) Extend(context.Context, time.Duration, []backends.Beat) ([]error, error) {
	s.calls[Extend]++
	return []error{backends.ErrLost}, nil
}

func (s *stub) Settle(context.Context, []backends.Settlement) ([]error, error) {
	s.calls[Settle]++
	return nil, nil
}

func (s *stub) Lookup(context.Context, backends.Ref, uint64) (*backends.Record, error) {
	s.calls[Lookup]++
	return &backends.Record{}, nil
}

func (s *stub) Cells() backends.Cells { return s }

func (s *stub) Get(context.Context, string, backends.Version) ([]byte, backends.Version, error) {
	s.calls[CellGet]++
	return nil, "", nil
}

func (s *stub) Put(context.Context, string, []byte, backends.Version, time.Time) (backends.Version, error) {
	s.calls[CellPut]++
	return "1", nil
}

// operated is a stub with an Operator.
type operated struct{ *stub }

func (o operated) Stats(context.Context, string) (backends.Stats, error) {
	o.calls[Stats]++
	return backends.Stats{}, nil
}

func (o operated) List(context.Context, backends.ListRequest) (backends.Page, error) {
	o.calls[List]++
	return backends.Page{}, nil
}

func (o operated) Cancel(context.Context, []backends.Ref) ([]error, error) {
	o.calls[Cancel]++
	return nil, nil
}

func (o operated) Redrive(context.Context, []backends.Redrive) ([]error, error) {
	o.calls[Redrive]++
	return nil, nil
}

func (o operated) Purge(context.Context, backends.PurgeRequest) (int, error) {
	o.calls[Purge]++
	return 0, nil
}

func (o operated) Pause(context.Context, string, bool) error {
	o.calls[Pause]++
	return nil
}

// everyVerb makes one call of each verb.
var everyVerb = map[Verb]func(context.Context, *Faulty) error{
	Enqueue: func(ctx context.Context, f *Faulty) error {
		_, err := f.Enqueue(ctx, backends.EnqueueRequest{})
		return err
	},
	Claim: func(ctx context.Context, f *Faulty) error {
		_, err := f.Claim(ctx, backends.ClaimRequest{})
		return err
	},
	Extend:  func(ctx context.Context, f *Faulty) error { _, err := f.Extend(ctx, 1, nil); return err },
	Settle:  func(ctx context.Context, f *Faulty) error { _, err := f.Settle(ctx, nil); return err },
	Lookup:  func(ctx context.Context, f *Faulty) error { _, err := f.Lookup(ctx, backends.Ref{}, 0); return err },
	CellGet: func(ctx context.Context, f *Faulty) error { _, _, err := f.Cells().Get(ctx, "k", ""); return err },
	CellPut: func(ctx context.Context, f *Faulty) error {
		_, err := f.Cells().Put(ctx, "k", nil, "", time.Time{})
		return err
	},
	Stats:   func(ctx context.Context, f *Faulty) error { _, err := operatorOf(f).Stats(ctx, "q"); return err },
	Cancel:  func(ctx context.Context, f *Faulty) error { _, err := operatorOf(f).Cancel(ctx, nil); return err },
	Redrive: func(ctx context.Context, f *Faulty) error { _, err := operatorOf(f).Redrive(ctx, nil); return err },
	Pause:   func(ctx context.Context, f *Faulty) error { return operatorOf(f).Pause(ctx, "q", true) },
	List: func(ctx context.Context, f *Faulty) error {
		_, err := operatorOf(f).List(ctx, backends.ListRequest{})
		return err
	},
	Purge: func(ctx context.Context, f *Faulty) error {
		_, err := operatorOf(f).Purge(ctx, backends.PurgeRequest{})
		return err
	},
}

func operatorOf(f *Faulty) backends.Operator {
	op, _ := backends.As[backends.Operator](f)
	return op
}

// TestFaultyStrikesEveryVerb: each verb fails before its effect, fails after it,
// and is repeated; and its neighbours aren't.
func TestFaultyStrikesEveryVerb(t *testing.T) {
	for v, call := range everyVerb {
		for name, c := range map[string]struct {
			fault   Fault
			reached int
			err     error
		}{
			"before": {Fault{Verb: v, When: Before}, 0, ErrInjected},
			"after":  {Fault{Verb: v, When: After}, 1, ErrInjected},
			"named":  {Fault{Verb: v, Err: backends.ErrClosed}, 0, backends.ErrClosed},
			"repeat": {Fault{Verb: v, Kind: Repeat}, 2, nil},
			"any":    {Fault{}, 0, ErrInjected},
			"stall":  {Fault{Verb: AnyVerb, Kind: Stall}, reachedByStall(v), nil},
		} {
			t.Run(v.String()+"/"+name, func(t *testing.T) {
				s := newStub()
				f := NewFaulty(operated{s}, c.fault)
				if err := call(t.Context(), f); !errors.Is(err, c.err) {
					t.Errorf("error %v, want %v", err, c.err)
				}
				if s.calls[v] != c.reached {
					t.Errorf("the call was made %d times, want %d", s.calls[v], c.reached)
				}
				other := everyVerb[Settle]
				if v == Settle {
					other = everyVerb[Lookup]
				}
				if err := other(t.Context(), f); c.fault.Verb != AnyVerb && err != nil {
					t.Errorf("another verb: %v", err)
				}
			})
		}
	}
}

// reachedByStall: beats alone are stalled.
func reachedByStall(v Verb) int {
	if v == Extend {
		return 0
	}
	return 1
}

func TestFaultyRates(t *testing.T) {
	for name, c := range map[string]struct {
		rate Rate
		want []int // the calls that fail, of ten
	}{
		"always": {nil, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		"once":   {Times(1), []int{1}},
		"twice":  {Times(2), []int{1, 2}},
		"fourth": {Every(4), []int{4, 8}},
		"none":   {Share(0, 1), nil},
		"all":    {Share(1, 1), []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
	} {
		t.Run(name, func(t *testing.T) {
			f := NewFaulty(newStub(), Fault{Verb: Settle, Rate: c.rate})
			var got []int
			for i := range 10 {
				if _, err := f.Settle(t.Context(), nil); err != nil {
					got = append(got, i+1)
				}
			}
			if !slices.Equal(got, c.want) || f.Injected(Settle) != len(c.want) || f.Injected(AnyVerb) != len(c.want) {
				t.Errorf("calls %v failed, want %v; %d are counted", got, c.want, f.Injected(Settle))
			}
		})
	}
}

func TestFaultyShareIsSeeded(t *testing.T) {
	draw := func(seed uint64) (struck []bool, n int) {
		r := Share(0.1, seed)
		for i := range 2000 {
			struck = append(struck, r(i))
			if struck[i] {
				n++
			}
		}
		return struck, n
	}
	a, n := draw(1)
	b, _ := draw(1)
	c, _ := draw(2)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Error("equal seeds must strike equal calls, others others")
	}
	if n < 150 || n > 250 {
		t.Errorf("%d of 2000 calls were struck, want about 200", n)
	}
}

func TestFaultyCountsEachVerbForItself(t *testing.T) {
	f := NewFaulty(newStub(), Fault{Rate: Times(1)})
	for _, want := range []error{ErrInjected, nil} {
		for _, v := range []Verb{Settle, Lookup} {
			if err := everyVerb[v](t.Context(), f); !errors.Is(err, want) {
				t.Errorf("%v: error %v, want %v", v, err, want)
			}
		}
	}
	if f.Injected(AnyVerb) != 2 || f.Injected(Claim) != 0 {
		t.Errorf("%d faults are counted, %d of claims", f.Injected(AnyVerb), f.Injected(Claim))
	}
}

func TestFaultyRepeatGivesTheSecondAnswer(t *testing.T) {
	f := NewFaulty(newStub(), Fault{Kind: Repeat})
	leases, err := f.Claim(t.Context(), backends.ClaimRequest{})
	if err != nil || leases[0].Token != 2 {
		t.Errorf("got %+v, error %v; want the second claim's", leases, err)
	}
}

func TestFaultyLostClaimGivesNoLease(t *testing.T) {
	f := NewFaulty(newStub(), Fault{Verb: Claim, When: After})
	if leases, err := f.Claim(t.Context(), backends.ClaimRequest{}); err == nil || leases != nil {
		t.Errorf("got leases %v, error %v: want an error alone", leases, err)
	}
}

func TestFaultyStallLastsUntilItIsLifted(t *testing.T) {
	f := NewFaulty(newStub(), Fault{Verb: Extend, Kind: Stall})
	if errs, err := f.Extend(t.Context(), 1, nil); err != nil || errs != nil {
		t.Errorf("stalled: %v, %v; want that all seems well", errs, err)
	}
	f.Lift()
	if errs, _ := f.Extend(t.Context(), 1, nil); len(errs) != 1 {
		t.Errorf("lifted: got %v, want what the Backend says", errs)
	}
}

func TestFaultyDelay(t *testing.T) {
	for name, when := range map[string]Moment{"before": Before, "after": After} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStub()
				f := NewFaulty(s, Fault{Verb: Settle, When: when, Kind: Delay, Delay: time.Minute})
				start := time.Now()
				if _, err := f.Settle(t.Context(), nil); err != nil || time.Since(start) != time.Minute {
					t.Errorf("error %v after %v, want none after a minute", err, time.Since(start))
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := f.Settle(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v, want that of the context", err)
				}
				if want := 1 + int(when); s.calls[Settle] != want {
					t.Errorf("%d calls took effect, want %d", s.calls[Settle], want)
				}
			})
		})
	}
}

func TestFaultyStacksFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStub()
		f := NewFaulty(s, Fault{Kind: Delay, Delay: time.Second}, Fault{Kind: Repeat})
		f.Inject(Fault{When: After, Rate: Times(1)})
		start := time.Now()
		if _, err := f.Settle(t.Context(), nil); !errors.Is(err, ErrInjected) {
			t.Errorf("error %v, want %v", err, ErrInjected)
		}
		if s.calls[Settle] != 2 || time.Since(start) != time.Second || f.Injected(Settle) != 3 {
			t.Errorf("%d calls in %v, %d faults", s.calls[Settle], time.Since(start), f.Injected(Settle))
		}
	})
}

// TestFaultyHasNoOperatorOfItsOwn: a Backend without one stays without one, and
// As still finds what is inside.
func TestFaultyHasNoOperatorOfItsOwn(t *testing.T) {
	plain, with := newStub(), operated{newStub()}
	if _, ok := backends.As[backends.Operator](NewFaulty(plain)); ok {
		t.Error("found an Operator around a Backend that has none")
	}
	if got, ok := backends.As[*stub](NewFaulty(plain)); !ok || got != plain {
		t.Error("As doesn't find the Backend inside")
	}
	if got, ok := backends.As[operated](NewFaulty(NewFaulty(with))); !ok || got != with {
		t.Error("As doesn't find the Backend inside two")
	}
}
