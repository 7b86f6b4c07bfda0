package backendtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/leat-go/leat/backends"
)

// repeatedCases: cells and operators over a bad network.
var repeatedCases = []testCase{
	{
		"R15", "CellCountsOverABadNetwork", "a tick of a schedule fires twice, or not at all, because a reply was lost",
		nil,
		func(e *env) {
			if _, _, err := e.B.Cells().Get(e.Context(), "count", ""); errors.Is(err, errors.ErrUnsupported) {
				e.Skipf("%s has no cells", e.f.Name)
			}
			for _, v := range []Verb{CellGet, CellPut} {
				for i, l := range slices.Repeat(lossy, len(rates())) {
					f := l.Fault
					f.Verb, f.Rate = v, rates()[i/len(lossy)]
					e.countTo(20, NewFaulty(e.B, f), fmt.Sprint(v, "/", i))
				}
			}
		},
	},
	{
		"R10", "OperatorMayRepeat", "an operator's command that is repeated after a lost reply does harm",
		all(records, keepsPayload, hasStats, lists, pauses),
		func(e *env) {
			e.operator()
			for _, l := range lossy {
				f := l.Fault
				f.Rate = Every(2)
				e.operate(NewFaulty(e.B, f))
			}
		},
	},
}

// countTo raises a number in a cell to n, one by one. Who is told of a conflict
// reads again: it may have been his own write, whose reply was lost.
func (e *env) countTo(n int, f *Faulty, key string) {
	e.Helper()
	type read struct {
		value   []byte
		version backends.Version
	}
	for known := 0; ; {
		r := again(e, func() (read, error) {
			v, version, err := f.Cells().Get(e.Context(), key, "")
			return read{v, version}, err
		})
		seen, _ := strconv.Atoi(string(r.value)) // none is 0
		if seen != known && seen != known+1 {
			e.Fatalf("%s is %q after %d steps", key, r.value, known)
		}
		if known = seen; known == n {
			return
		}
		_, err := f.Cells().Put(e.Context(), key, []byte(strconv.Itoa(known+1)), r.version, time.Time{})
		if err != nil && !errors.Is(err, ErrInjected) && !errors.Is(err, backends.ErrConflict) {
			e.Fatalf("Put: %v", err)
		}
	}
}

// operate cancels, redrives, pauses and purges over f.
func (e *env) operate(f *Faulty) {
	e.Helper()
	op, _ := backends.As[backends.Operator](f)
	jobs := crowd(3, "zeta")
	refs := refsOf(jobs)
	e.enqueue(jobs...)
	for _, err := range again(e, func() ([]error, error) { return op.Cancel(e.Context(), refs) }) {
		e.expect(err, nil)
	}
	var cancelled []backends.Redrive
	for _, ref := range refs {
		r := e.expectState(ref, backends.Cancelled)
		cancelled = append(cancelled, backends.Redrive{Ref: ref, Generation: r.Generation})
	}
	for _, err := range again(e, func() ([]error, error) { return op.Redrive(e.Context(), cancelled) }) {
		e.expect(err, nil)
	}
	for _, c := range cancelled {
		e.reborn(c.Ref, c.Generation)
	}
	for _, paused := range []bool{true, false} {
		again(e, func() (struct{}, error) { return struct{}{}, op.Pause(e.Context(), theQueue, paused) })
		s := again(e, func() (backends.Stats, error) { return op.Stats(e.Context(), theQueue) })
		if s.Paused != paused {
			e.Fatalf("paused %v, want %v", s.Paused, paused)
		}
	}
	all := backends.PurgeRequest{Queue: theQueue, State: backends.Waiting, AnyTenant: true}
	again(e, func() (int, error) { return op.Purge(e.Context(), all) })
	page := again(e, func() (backends.Page, error) {
		return op.List(e.Context(), backends.ListRequest{Queue: theQueue, AnyTenant: true})
	})
	if len(page.Records) != 0 {
		e.Fatalf("%d records are left after the purge", len(page.Records))
	}
	e.claimNone(e.request(1))
}
