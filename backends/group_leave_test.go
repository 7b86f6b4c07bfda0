package backends

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Callers that go, and leaders that fall: what becomes of the others.

func TestGroup_AWaiterWithdraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		a := g.do(t.Context(), 1)
		ctx, cancel := context.WithCancel(t.Context())
		b := g.do(ctx, 2)
		c := g.do(t.Context(), 3)
		cancel()
		synctest.Wait()
		b.want(t, context.Canceled)
		g.let(nil)
		g.let(nil)
		a.want(t, nil, 10)
		c.want(t, nil, 30)
		g.want(t, []int{1}, []int{3})
	})
}

func TestGroup_AWaiterLeavesTheCommitThatCarriesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		g.do(t.Context(), 1)
		b := g.do(t.Context(), 2)
		ctx, cancel := context.WithCancel(t.Context())
		items := []int{3, 4}
		c := g.do(ctx, items...)
		d := g.do(t.Context(), 5)
		g.let(nil) // b leads, with c and d
		cancel()
		synctest.Wait()
		c.want(t, context.Canceled)
		items[0], items[1] = -1, -1 // its caller's again
		g.let(nil)
		b.want(t, nil, 20)
		d.want(t, nil, 50)
		g.want(t, []int{1}, []int{2, 3, 4, 5})
	})
}

func TestGroup_WritesToNoCallersSlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		g.do(t.Context(), 1)
		room := []int{2, 0, 0}
		g.do(t.Context(), room[:1]...)
		g.do(t.Context(), 3)
		g.let(nil)
		g.let(nil)
		g.want(t, []int{1}, []int{2, 3})
		if !slices.Equal(room, []int{2, 0, 0}) {
			t.Errorf("the leader's spare room was used: %v", room)
		}
	})
}

func TestGroup_ALeaderSeesItsCommitThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var seen context.Context
		g := newGate()
		g.Timeout = time.Minute
		inner := g.Commit
		g.Commit = func(ctx context.Context, items []int) ([]int, error) {
			out, err := inner(ctx, items)
			seen = ctx
			if ctx.Err() != nil {
				t.Error("the leader's end cancelled the commit")
			}
			return out, err
		}
		g.do(t.Context(), 1)
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "b"), time.Second)
		defer cancel()
		b := g.do(ctx, 2)
		c := g.do(t.Context(), 3)
		g.let(nil)
		start := time.Now()
		time.Sleep(2 * time.Second) // of the bubble
		g.let(nil)
		b.want(t, nil, 20)
		c.want(t, nil, 30)
		if seen.Value(key{}) != "b" {
			t.Error("the leader's values are gone")
		}
		if end, _ := seen.Deadline(); !end.Equal(start.Add(time.Minute)) {
			t.Errorf("deadline after %v", end.Sub(start))
		}
	})
}

func TestGroup_Timeout(t *testing.T) {
	for name, c := range map[string]struct{ set, want time.Duration }{
		"default": {0, 30 * time.Second},
		"own":     {time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := Group[int, int]{Timeout: c.set, Commit: func(ctx context.Context, _ []int) ([]int, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				}}
				start := time.Now()
				_, err := g.Do(t.Context(), 1)
				if err != context.DeadlineExceeded || time.Since(start) != c.want {
					t.Errorf("%v after %v", err, time.Since(start))
				}
			})
		})
	}
}

// A leader whose Commit panics, exits its goroutine or breaks its promise falls
// alone: those it carried get an error, those behind go on.
func TestGroup_AFallingLeaderTakesNobodyAlong(t *testing.T) {
	for name, c := range map[string]struct {
		fall func() []int
		says string
	}{
		"panic":             {func() []int { panic("boom") }, errFellOver.Error()},
		"Goexit":            {func() []int { runtime.Goexit(); return nil }, errFellOver.Error()},
		"too few outcomes":  {func() []int { return []int{1} }, "group commit: 1 outcomes for 2 items"},
		"too many outcomes": {func() []int { return []int{1, 2, 3} }, "group commit: 3 outcomes for 2 items"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				inner := g.Commit
				g.Commit = func(ctx context.Context, items []int) ([]int, error) {
					out, err := inner(ctx, items)
					if items[0] == 2 {
						return c.fall(), nil
					}
					return out, err
				}
				g.do(t.Context(), 1)
				var leader any
				go func() {
					defer func() { leader = recover() }()
					if _, err := g.Do(t.Context(), 2); err == nil {
						leader = "content"
					}
				}()
				synctest.Wait()
				carried := g.do(t.Context(), 3)
				g.let(nil)
				behind := g.do(t.Context(), 4)
				g.let(nil)
				if leader == "content" {
					t.Error("the leader was told that all went well")
				}
				if !carried.done || carried.err == nil || carried.out != nil || carried.err.Error() != c.says {
					t.Errorf("carried: %v, %v, %v", carried.done, carried.out, carried.err)
				}
				g.let(nil)
				behind.want(t, nil, 40)
				last := g.do(t.Context(), 5)
				g.let(nil)
				last.want(t, nil, 50)
			})
		})
	}
}

// The narrow moments between being chosen and leaving, one by one.
func TestGroup_LeavingWhenChosen(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	join := func() (*gate, *member[int, int]) {
		g := newGate()
		g.busy = true
		m := &member[int, int]{items: []int{1}}
		if g.join(m) {
			t.Fatal("two leaders")
		}
		return g, m
	}
	t.Run("to lead, with nobody behind", func(t *testing.T) {
		g, m := join()
		g.handOver()
		if _, err := g.leave(ended, m); err != context.Canceled || g.busy {
			t.Errorf("%v, busy %v", err, g.busy)
		}
	})
	t.Run("to lead: the next one does", func(t *testing.T) {
		g, m := join()
		next := &member[int, int]{items: []int{2}}
		g.join(next)
		g.handOver()
		if _, err := g.leave(ended, m); err != context.Canceled || !g.busy {
			t.Errorf("%v, busy %v", err, g.busy)
		}
		if lead := <-next.lead; !lead {
			t.Error("the lead was lost")
		}
	})
	t.Run("and done meanwhile: its outcome is known", func(t *testing.T) {
		g, m := join()
		g.gather(&member[int, int]{})
		m.out = []int{10}
		m.lead <- false
		if out, err := g.leave(ended, m); err != nil || !slices.Equal(out, []int{10}) {
			t.Errorf("%v, %v", out, err)
		}
	})
}
