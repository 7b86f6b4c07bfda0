package backendtest

import (
	"errors"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// closeCases: a Backend that is closed says so, to everyone.
var closeCases = []testCase{
	{
		"R16", "ClosedBackendSaysSo", "a program that stops hangs, or takes jobs that it can't settle",
		nil,
		func(e *env) {
			l := e.start(10)
			cells := e.B.Cells()
			e.expect(e.B.Close(), nil)
			ctx := e.timeout(5)
			_, enqueue := e.B.Enqueue(ctx, backends.EnqueueRequest{Queue: theQueue, Jobs: []backends.Job{job("zeta")}})
			leases, claim := e.B.Claim(ctx, e.request(1))
			_, extend := e.B.Extend(ctx, e.unit, []backends.Beat{{Lease: l}})
			_, settle := e.B.Settle(ctx, []backends.Settlement{commitAs(l, backends.Succeeded)})
			errs := map[string]error{"Enqueue": enqueue, "Claim": claim, "Extend": extend, "Settle": settle}
			if e.f.Records {
				_, errs["Lookup"] = e.B.Lookup(ctx, l.Job.Ref, 0)
				_, errs["Lookup of the next change"] = e.B.Lookup(ctx, l.Job.Ref, 1<<62)
			}
			if cells != backends.NoCells {
				_, _, errs["Cells.Get"] = cells.Get(ctx, "key", "")
				_, errs["Cells.Put"] = cells.Put(ctx, "key", nil, "", time.Time{})
			}
			if op, ok := backends.As[backends.Operator](e.B); ok {
				for verb, call := range e.operatorVerbs(op, l.Job.Ref) {
					if call.claimed {
						errs[verb] = call.do()
					}
				}
			}
			for verb, err := range errs {
				if !errors.Is(err, backends.ErrClosed) {
					e.Errorf("%s: got error %v", verb, err)
				}
			}
			if leases != nil {
				e.Errorf("a closed Backend leased %d jobs", len(leases))
			}
			e.expect(e.B.Close(), nil)
		},
	},
	{
		"R16", "CloseWakesWhoeverWaits", "a program that stops hangs in a claim, or in a caller's wait",
		nil,
		func(e *env) {
			l := e.start(30)
			var claims []<-chan claimed
			for range 5 {
				claims = append(claims, e.claiming(e.Context(), e.request(1)))
			}
			var lookups []<-chan looked
			if e.f.Records {
				for range 5 {
					lookups = append(lookups, e.looking(e.Context(), l.Job.Ref, e.lookup(l.Job.Ref).Version))
				}
			}
			start := time.Now()
			e.expect(e.B.Close(), nil)
			for _, c := range claims {
				if got := await(e, c); len(got.leases) > 0 || !errors.Is(got.err, backends.ErrClosed) {
					e.Fatalf("Claim gave %d leases, error %v", len(got.leases), got.err)
				}
			}
			for _, c := range lookups {
				if got := await(e, c); got.record != nil || !errors.Is(got.err, backends.ErrClosed) {
					e.Fatalf("Lookup gave %v, error %v", got.record, got.err)
				}
			}
			e.expectWait(start, 0)
		},
	},
	{
		"R16", "CloseAmongCalls", "a program that stops under load crashes",
		nil,
		func(e *env) {
			var wg sync.WaitGroup
			busy := make(chan struct{}, 8)
			for range 8 {
				wg.Go(func() {
					underWay := sync.OnceFunc(func() { busy <- struct{}{} })
					defer underWay()
					for i := range 1000 {
						if i == 20 {
							underWay()
						}
						if err := e.cycle(); err != nil {
							if !errors.Is(err, backends.ErrClosed) {
								e.Errorf("got error %v", err)
							}
							return
						}
					}
				})
			}
			for range 3 {
				wg.Go(func() {
					<-busy
					if err := e.B.Close(); err != nil {
						e.Errorf("Close: %v", err)
					}
				})
			}
			wg.Wait()
		},
	},
}

// cycle runs one job through all verbs.
func (e *env) cycle() error {
	if _, err := e.B.Enqueue(e.Context(), backends.EnqueueRequest{Queue: theQueue, Jobs: []backends.Job{job("zeta")}}); err != nil {
		return err
	}
	leases, err := e.B.Claim(e.Context(), e.request(1))
	if err != nil {
		return err
	}
	for _, l := range leases {
		if _, err := e.B.Extend(e.Context(), e.unit, []backends.Beat{{Lease: l}}); err != nil {
			return err
		}
		if _, err := e.B.Settle(e.Context(), []backends.Settlement{commitAs(l, backends.Succeeded)}); err != nil {
			return err
		}
	}
	return nil
}
