package backends

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// gate is a Group of ints whose commits are noted and wait to be let through;
// an outcome is ten times its item.
type gate struct {
	Group[int, int]
	pass    chan error
	commits [][]int // by one leader at a time
}

func newGate() *gate {
	g := &gate{pass: make(chan error)}
	g.Commit = func(ctx context.Context, items []int) ([]int, error) {
		err := <-g.pass
		g.commits = append(g.commits, slices.Clone(items)) // read late: callers may have gone
		return tenfold(items), err
	}
	return g
}

func tenfold(items []int) []int {
	out := make([]int, len(items))
	for i, n := range items {
		out[i] = 10 * n
	}
	return out
}

// call is one Do in a goroutine of its own.
type call struct {
	out  []int
	err  error
	done bool
}

// do starts a call and returns when it blocks or has returned.
func (g *gate) do(ctx context.Context, items ...int) *call {
	c := new(call)
	go func() {
		c.out, c.err = g.Do(ctx, items...)
		c.done = true
	}()
	synctest.Wait()
	return c
}

// let lets one commit through, with err as its error.
func (g *gate) let(err error) {
	g.pass <- err
	synctest.Wait()
}

func (g *gate) want(t *testing.T, commits ...[]int) {
	t.Helper()
	if diff := cmp.Diff(commits, g.commits); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
}

func (c *call) want(t *testing.T, err error, out ...int) {
	t.Helper()
	if !c.done || !errors.Is(c.err, err) || !slices.Equal(c.out, out) {
		t.Errorf("returned %v: %v, %v; want %v, %v", c.done, c.out, c.err, out, err)
	}
}

func TestGroup_TheNextLeaderCommitsForAllWhoCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		a := g.do(t.Context(), 1)
		b := g.do(t.Context(), 2, 3)
		c := g.do(t.Context(), 4)
		g.let(nil)
		a.want(t, nil, 10)
		if b.done || c.done {
			t.Error("returned before their commit")
		}
		d := g.do(t.Context(), 5) // too late for b's
		g.let(nil)
		b.want(t, nil, 20, 30)
		c.want(t, nil, 40)
		g.let(nil)
		d.want(t, nil, 50)
		g.want(t, []int{1}, []int{2, 3, 4}, []int{5})
	})
}

func TestGroup_AThousandCallersGetTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		var calls []*call
		for i := range 1_000 {
			calls = append(calls, g.do(t.Context(), i))
		}
		g.let(nil)
		g.let(nil)
		for i, c := range calls {
			c.want(t, nil, 10*i)
		}
		if len(g.commits) != 2 {
			t.Errorf("%d commits, want 2", len(g.commits))
		}
	})
}

// No bubble: as the scheduler likes it, and for the race detector.
func TestGroup_UnderLoad(t *testing.T) {
	g := Group[int, int]{Max: 7, Commit: func(_ context.Context, items []int) ([]int, error) {
		runtime.Gosched()
		return tenfold(items), nil
	}}
	var all sync.WaitGroup
	for i := range 1_000 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%3 == 0 {
				go cancel()
			}
			items := []int{i, -i}
			out, err := g.Do(ctx, items...)
			items[0] = 0 // ours again, even while another's commit goes on
			if err == nil && !slices.Equal(out, []int{10 * i, -10 * i}) || err != nil && i%3 != 0 {
				t.Errorf("%d: %v, %v", i, out, err)
			}
			if err == nil {
				_ = append(out, 0) // must not reach the neighbour's
			}
		})
	}
	all.Wait()
}

func TestGroup_ALoneCallerNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stack string
		g := Group[int, int]{Commit: func(_ context.Context, items []int) ([]int, error) {
			stack = string(debug.Stack())
			return tenfold(items), nil
		}}
		start := time.Now()
		for i := range 3 {
			if out, err := g.Do(t.Context(), i); err != nil || !slices.Equal(out, []int{10 * i}) {
				t.Errorf("%v, %v", out, err)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("waited %v", d)
		}
		if !strings.Contains(stack, "TestGroup_ALoneCallerNeverWaits") {
			t.Error("committed in another goroutine")
		}
	})
}

func TestGroup_NothingToDo(t *testing.T) {
	g := newGate() // a commit would block
	if out, err := g.Do(t.Context()); out != nil || err != nil {
		t.Errorf("no items: %v, %v", out, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err := g.Do(ctx, 1); out != nil || err != context.Canceled {
		t.Errorf("context ended before: %v, %v", out, err)
	}
}

func TestGroup_MaxAndOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		g.Max = 3
		g.do(t.Context(), 1, 2)
		big := g.do(t.Context(), 3, 4, 5, 6, 7) // alone, in its turn
		g.do(t.Context(), 8)
		g.do(t.Context(), 9, 10)
		late := g.do(t.Context(), 11)
		for range 4 {
			g.let(nil)
		}
		big.want(t, nil, 30, 40, 50, 60, 70)
		late.want(t, nil, 110)
		g.want(t, []int{1, 2}, []int{3, 4, 5, 6, 7}, []int{8, 9, 10}, []int{11})
	})
}

func TestGroup_AnErrorIsEverybodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		a := g.do(t.Context(), 1)
		b := g.do(t.Context(), 2)
		c := g.do(t.Context(), 3)
		full := errors.New("disk full")
		g.let(nil)
		g.let(full)
		a.want(t, nil, 10)
		b.want(t, full)
		c.want(t, full)
	})
}

func TestGroup_CallersOfOneCommitMeetAgain(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, func(t *testing.T) {
		const callers, calls = 8, 50
		var commits int
		g := Group[int, int]{Commit: func(_ context.Context, items []int) ([]int, error) {
			commits++ // by one leader at a time
			time.Sleep(time.Millisecond)
			return items, nil
		}}
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for i := range calls {
					if _, err := g.Do(t.Context(), i); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		// Without the yield it is two for all: the leader alone, then the others.
		// The race detector shuffles who runs next, so some slack.
		if commits > calls+calls/2 {
			t.Errorf("%d commits for %d callers with %d calls each; want about one for all", commits, callers, calls)
		}
	})
}
