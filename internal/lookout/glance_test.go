package lookout

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// glance asks for the one record.
func (s *scene) glance() {
	s.Helper()
	if _, err := s.post.Glance(10, s.versions); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) versions(rows []int64) ([]uint64, error) {
	out := make([]uint64, len(rows))
	for i := range out {
		out[i] = s.version.Load()
	}
	return out, nil
}

func TestGlanceHasOnlyTheNewerRead(t *testing.T) {
	run(t, func(s *scene) {
		all := s.looking(s.Context(), 10, 1)
		s.expectReads(10)
		for range 5 {
			s.glance()
			synctest.Wait()
		}
		s.expectReads(0)
		s.version.Add(1)
		s.glance()
		s.expect(all, 10, 2, nil)
		s.expectReads(1)
	})
}

func TestGlanceAsksSoManyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Post[int, int]{Mark: func(row int) Mark { return Mark{Row: int64(row), Version: 1} }}
		ctx, cancel := context.WithCancel(t.Context())
		for i := 1; i <= 25; i++ {
			go func() {
				seat := p.Join(i)
				defer seat.Leave()
				_, _ = seat.Next(ctx, i)
			}()
		}
		synctest.Wait()
		seen := map[int64]bool{}
		var sizes []int
		n, err := p.Glance(10, func(rows []int64) ([]uint64, error) {
			sizes = append(sizes, len(rows))
			for _, r := range rows {
				seen[r] = true
			}
			return slices.Repeat([]uint64{1}, len(rows)), nil
		})
		if n != 25 || err != nil || len(seen) != 25 || fmt.Sprint(sizes) != "[10 10 5]" {
			t.Errorf("asked for %d in %v, error %v", n, sizes, err)
		}
		cancel()
		synctest.Wait()
		broken := errors.New("broken")
		if n, err := p.Glance(10, func([]int64) ([]uint64, error) { return nil, broken }); n != 0 || err != nil {
			t.Errorf("with nobody: %d, error %v", n, err)
		}
	})
}

func TestGlanceThatFailsSaysSo(t *testing.T) {
	run(t, func(s *scene) {
		all := s.looking(s.Context(), 1, 1)
		broken := errors.New("broken")
		if n, err := s.post.Glance(10, func([]int64) ([]uint64, error) { return nil, broken }); n != 1 || err != broken {
			t.Errorf("asked for %d, error %v", n, err)
		}
		s.change()
		s.expect(all, 1, 2, nil)
	})
}

func TestGlanceThatFindsNothingHasItRead(t *testing.T) {
	run(t, func(s *scene) {
		all := s.looking(s.Context(), 1, 1)
		s.err = errors.New("not found")
		_, _ = s.post.Glance(10, func(rows []int64) ([]uint64, error) { return []uint64{0}, nil })
		if g := <-all; !errors.Is(g.err, s.err) {
			t.Errorf("got %+v", g)
		}
	})
}

// TestGlanceReachesWhoHasNotSaidYet what it has read: before the change, as it happens.
func TestGlanceReachesWhoHasNotSaidYet(t *testing.T) {
	for name, others := range map[string]int{"alone": 0, "beside others": 3} {
		t.Run(name, func(t *testing.T) {
			run(t, func(s *scene) {
				ctx, cancel := context.WithCancel(s.Context())
				all := s.looking(ctx, others, 9)
				seat := s.post.Join(key)
				defer seat.Leave()
				v := s.look()
				s.version.Add(1) // elsewhere
				s.glance()
				if v, err := seat.Next(s.Context(), v); v != 2 || err != nil {
					t.Errorf("got %d, error %v", v, err)
				}
				cancel()
				s.expect(all, others, 0, context.Canceled)
			})
		})
	}
}

// TestGlanceReachesWhoKnowsLess than others who wait for the same record.
func TestGlanceReachesWhoKnowsLess(t *testing.T) {
	run(t, func(s *scene) {
		s.gate = make(chan struct{})
		leader := s.looking(s.Context(), 1, 1)
		s.change()
		synctest.Wait() // its read has begun: 2
		late := s.post.Join(key)
		defer late.Leave()
		v := s.look()
		s.version.Add(1) // elsewhere: 3
		s.glance()
		close(s.gate)
		s.expect(leader, 1, 2, nil)
		if v, err := late.Next(s.Context(), v); v != 3 || err != nil {
			t.Errorf("got %d, error %v", v, err)
		}
	})
}

// TestNobodyMissesAChange, whatever comes between: callers join, read, wait and leave, reads
// take their time and end with their callers, changes are told or found by a glance.
func TestNobodyMissesAChange(t *testing.T) {
	for seed := range uint64(2000) {
		run(t, func(s *scene) {
			st := storm{scene: s, seed: seed, rnd: rand.New(rand.NewPCG(seed, 0))}
			st.run()
		})
	}
}

type storm struct {
	*scene
	seed uint64
	mu   sync.Mutex
	rnd  *rand.Rand
}

func (st *storm) pick(n int) int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.rnd.IntN(n)
}

func (st *storm) nap() { <-time.After(time.Duration(st.pick(50)) * time.Millisecond) }

// read takes a while before it sees something, and after.
func (st *storm) read(ctx context.Context, _ string) (uint64, error) {
	st.nap()
	v := st.version.Load()
	st.nap()
	return v, ctx.Err()
}

const lastVersion = 4

func (st *storm) run() {
	st.post.Read = st.read
	var callers sync.WaitGroup
	for range 6 {
		callers.Go(st.call)
	}
	for st.version.Load() < lastVersion {
		st.nap()
		st.version.Add(1)
		st.nap()
		if st.pick(2) == 0 {
			st.post.Tell(key)
			continue
		}
		_, _ = st.post.Glance(1, func(rows []int64) ([]uint64, error) {
			st.nap()
			defer st.nap()
			return st.versions(rows)
		})
	}
	over := make(chan struct{})
	go func() {
		callers.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(time.Minute):
		st.Fatalf("seed %d: somebody waits for ever", st.seed)
	}
	st.expectNobody()
}

// call follows the record to its last version; some calls are given up early.
func (st *storm) call() {
	for since := uint64(0); since < lastVersion; {
		ctx, cancel := context.WithCancel(context.Background())
		if st.pick(3) == 0 {
			ctx, cancel = context.WithTimeout(ctx, time.Duration(st.pick(300))*time.Millisecond)
		}
		seat := st.post.Join(key)
		v, err := st.read(ctx, key)
		for err == nil && v <= since {
			if st.pick(2) == 0 {
				st.nap()
			}
			v, err = seat.Next(ctx, v)
		}
		seat.Leave()
		cancel()
		if err == nil {
			since = v
		}
	}
}
