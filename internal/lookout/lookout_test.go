package lookout

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scene is a store of one record that is a number: its version.
type scene struct {
	*testing.T
	post    Post[string, uint64]
	version atomic.Uint64
	reads   atomic.Int64
	gate    chan struct{} // a read for all waits for it; nil = it doesn't
	err     error
	close   func()
}

const key = "job"

func newScene(t *testing.T) *scene {
	s := &scene{T: t}
	closed := make(chan struct{})
	s.close = func() { close(closed) }
	s.post = Post[string, uint64]{
		Closed: closed,
		Mark:   func(v uint64) Mark { return Mark{Row: 7, Version: v} },
		Read: func(ctx context.Context, _ string) (uint64, error) {
			v := s.look()
			if s.gate != nil {
				select {
				case <-s.gate:
				case <-ctx.Done():
					return 0, ctx.Err()
				}
			}
			return v, s.err
		},
	}
	s.version.Store(1)
	return s
}

func (s *scene) look() uint64 {
	s.reads.Add(1)
	return s.version.Load()
}

// change is one that this process is told of.
func (s *scene) change() {
	s.version.Add(1)
	s.post.Tell(key)
}

// got is what a lookup came to.
type got struct {
	version uint64
	err     error
}

// lookup is what a store does.
func (s *scene) lookup(ctx context.Context, since uint64) got {
	seat := s.post.Join(key)
	defer seat.Leave()
	v, err := s.look(), error(nil)
	for err == nil && v <= since {
		v, err = seat.Next(ctx, v)
	}
	return got{v, err}
}

// looking are n lookups in the background, at rest.
func (s *scene) looking(ctx context.Context, n int, since uint64) chan got {
	out := make(chan got, n)
	for range n {
		go func() { out <- s.lookup(ctx, since) }()
	}
	synctest.Wait()
	return out
}

// expect wants n outcomes by now, all alike.
func (s *scene) expect(from chan got, n int, version uint64, err error) {
	s.Helper()
	synctest.Wait()
	if len(from) != n {
		s.Fatalf("%d have an answer, want %d", len(from), n)
	}
	for range n {
		if g := <-from; g.version != version || !errors.Is(g.err, err) {
			s.Fatalf("got %d, error %v; want %d, %v", g.version, g.err, version, err)
		}
	}
}

// expectReads wants so many since it was last asked.
func (s *scene) expectReads(n int64) {
	s.Helper()
	if have := s.reads.Swap(0); have != n {
		s.Fatalf("%d reads, want %d", have, n)
	}
}

// expectNobody wants that nothing is kept for those who have left.
func (s *scene) expectNobody() {
	s.Helper()
	if n := len(s.post.watched); n != 0 {
		s.Errorf("%d records are still watched", n)
	}
}

func run(t *testing.T, f func(s *scene)) {
	synctest.Test(t, func(t *testing.T) { f(newScene(t)) })
}

func TestOneReadForAllWhoWait(t *testing.T) {
	run(t, func(s *scene) {
		all := s.looking(s.Context(), 100, 1)
		s.expectReads(100) // a newcomer reads by itself
		s.change()
		s.expect(all, 100, 2, nil)
		s.expectReads(1)
		s.expectNobody()
	})
}

func TestWhoWantsMoreWaitsOn(t *testing.T) {
	run(t, func(s *scene) {
		soon, late := s.looking(s.Context(), 10, 1), s.looking(s.Context(), 10, 3)
		s.expectReads(20)
		for range 2 {
			s.change()
			synctest.Wait()
		}
		s.expect(soon, 10, 2, nil)
		s.expect(late, 0, 0, nil)
		s.change()
		s.expect(late, 10, 4, nil)
		s.expectReads(3)
	})
}

// TestLeaverPassesTheLeadOn, whoever has it, and puts no poll off.
func TestLeaverPassesTheLeadOn(t *testing.T) {
	run(t, func(s *scene) {
		s.post.Poll = func(time.Duration) time.Duration { return 2 * time.Second }
		began := time.Now()
		var leave []func()
		var leavers []chan got
		for range 5 {
			ctx, cancel := context.WithCancel(s.Context())
			leave, leavers = append(leave, cancel), append(leavers, s.looking(ctx, 1, 1))
		}
		stays := s.looking(s.Context(), 1, 1)
		s.expectReads(6)
		for i := range leave {
			<-time.After(300 * time.Millisecond)
			leave[i]()
			s.expect(leavers[i], 1, 0, context.Canceled)
		}
		s.version.Add(1) // elsewhere
		g := <-stays
		if took := time.Since(began); g.version != 2 || took != 2*time.Second {
			t.Errorf("got %+v after %v", g, took)
		}
		s.expectReads(1)
		s.expectNobody()
	})
}

func TestOnePollForAllWhoWait(t *testing.T) {
	run(t, func(s *scene) {
		var quiet []time.Duration
		s.post.Poll = func(q time.Duration) time.Duration {
			quiet = append(quiet, q)
			return 2 * time.Second
		}
		ctx, cancel := context.WithTimeout(s.Context(), 7*time.Second)
		defer cancel()
		all := s.looking(ctx, 1000, 9)
		s.expectReads(1000)
		<-time.After(3 * time.Second)
		s.expectReads(1)
		s.change()
		<-time.After(4 * time.Second)
		s.expect(all, 1000, 0, context.DeadlineExceeded)
		s.expectReads(3) // told at 3 s, then due at 5 and 7
		if len(quiet) < 3 || quiet[0] != 0 || quiet[1] != 2*time.Second || quiet[2] != 0 {
			t.Errorf("quiet times: %v", quiet)
		}
		<-time.After(time.Minute)
		s.expectReads(0)
	})
}

func TestRecordThatEndsByItselfIsReadThen(t *testing.T) {
	run(t, func(s *scene) {
		end := time.Now().Add(time.Minute)
		s.post.Mark = func(v uint64) Mark {
			m := Mark{Version: v}
			if v == 1 {
				m.Until = end
			}
			return m
		}
		all := s.looking(s.Context(), 10, 1)
		s.expectReads(10)
		s.version.Add(1)
		if <-all; !time.Now().Equal(end) {
			t.Errorf("read %v too late", time.Since(end))
		}
		s.expect(all, 9, 2, nil)
		s.expectReads(1)
	})
}

// TestPollsPutNoEndOff: what ends by itself before the next poll is read then.
func TestPollsPutNoEndOff(t *testing.T) {
	for until, want := range map[time.Duration]time.Duration{time.Second: time.Second, 3 * time.Second: 2 * time.Second} {
		run(t, func(s *scene) {
			began := time.Now()
			s.post.Poll = func(time.Duration) time.Duration { return 2 * time.Second }
			s.post.Mark = func(v uint64) Mark { return Mark{Version: v, Until: began.Add(until)} }
			all := s.looking(s.Context(), 2, 1)
			s.version.Add(1)
			<-all
			if took := time.Since(began); took != want {
				t.Errorf("until %v: read after %v", until, took)
			}
			s.expect(all, 1, 2, nil)
		})
	}
}

// TestAnswerAndLeadTogether: who gets both takes the answer, and the lead goes on.
func TestAnswerAndLeadTogether(t *testing.T) {
	run(t, func(s *scene) {
		leads, other := s.post.Join(key), s.post.Join(key)
		if l, f := leads.sit(), other.sit(); l != rests || f != follows {
			t.Fatalf("turns %v, %v", l, f)
		}
		s.change()
		if v, err := leads.lead(s.Context()); v != 2 || err != nil {
			t.Fatal(v, err)
		}
		leads.Leave()
		<-other.at.lead
		if turn := other.take(); turn != answers || len(other.at.lead) != 1 {
			t.Errorf("turn %v; the lead is lost", turn)
		}
		if n := len(other.at.told); n != 0 {
			t.Error("what the read has shown is to be read again")
		}
		if v, err := other.answer(); v != 2 || err != nil {
			t.Error(v, err)
		}
		other.Leave()
		s.expectNobody()
	})
}

// TestLeaverInTheMiddleOfARead leaves at once, and the others have their answer.
func TestLeaverInTheMiddleOfARead(t *testing.T) {
	run(t, func(s *scene) {
		s.gate = make(chan struct{})
		ctx, cancel := context.WithCancel(s.Context())
		leaver := s.looking(ctx, 1, 1) // the first one leads
		stay := s.looking(s.Context(), 10, 1)
		s.expectReads(11)
		s.change()
		s.expect(leaver, 0, 0, nil)
		cancel()
		s.expect(leaver, 1, 0, context.Canceled)
		s.expect(stay, 0, 0, nil)
		close(s.gate)
		s.expect(stay, 10, 2, nil)
		s.expectReads(2)
	})
}

// TestFollowerThatLeavesCancelsNothing of what another reads for it.
func TestFollowerThatLeavesCancelsNothing(t *testing.T) {
	run(t, func(s *scene) {
		s.gate = make(chan struct{})
		leader := s.looking(s.Context(), 1, 1)
		ctx, cancel := context.WithCancel(s.Context())
		leavers := s.looking(ctx, 10, 1)
		s.reads.Store(0)
		s.change()
		synctest.Wait()
		cancel()
		s.expect(leavers, 10, 0, context.Canceled)
		close(s.gate)
		s.expect(leader, 1, 2, nil)
		s.expectReads(1)
	})
}

func TestErrorReachesAll(t *testing.T) {
	run(t, func(s *scene) {
		s.err = errors.New("broken")
		all := s.looking(s.Context(), 10, 1)
		s.expectReads(10)
		s.change()
		for range 10 {
			if g := <-all; !errors.Is(g.err, s.err) {
				t.Errorf("got %+v", g)
			}
		}
		s.expectReads(1)
		s.expectNobody()
	})
}

func TestClosingEndsAll(t *testing.T) {
	run(t, func(s *scene) {
		all := s.looking(s.Context(), 10, 1)
		s.close()
		s.expect(all, 10, 0, backends.ErrClosed)
		s.expectNobody()
	})
}

// TestNothingIsMissedBetweenReadAndWait: a change that comes then is told.
func TestNothingIsMissedBetweenReadAndWait(t *testing.T) {
	run(t, func(s *scene) {
		seat := s.post.Join(key)
		defer seat.Leave()
		v := s.look()
		s.change()
		if v, err := seat.Next(s.Context(), v); v != 2 || err != nil {
			t.Errorf("got %d, error %v", v, err)
		}
	})
}

// TestNewcomerDuringAReadHearsOfTheNextChange, which that read has missed.
func TestNewcomerDuringAReadHearsOfTheNextChange(t *testing.T) {
	run(t, func(s *scene) {
		s.gate = make(chan struct{})
		leader := s.looking(s.Context(), 1, 1)
		s.change()
		synctest.Wait() // the read has seen 2, and waits
		newcomer := s.looking(s.Context(), 1, 2)
		s.change()
		synctest.Wait()
		close(s.gate)
		s.expect(leader, 1, 2, nil)
		s.expect(newcomer, 1, 3, nil)
	})
}

// TestNewcomerTellsWhatOthersMissed: what it has read, they needn't poll for.
func TestNewcomerTellsWhatOthersMissed(t *testing.T) {
	run(t, func(s *scene) {
		all := s.looking(s.Context(), 10, 1)
		s.version.Add(1) // elsewhere
		late := s.looking(s.Context(), 1, 2)
		s.expect(all, 10, 2, nil)
		s.change()
		s.expect(late, 1, 3, nil)
	})
}

func TestTellAllHasEachRead(t *testing.T) {
	run(t, func(s *scene) {
		all := s.looking(s.Context(), 10, 1)
		s.version.Add(1)
		s.post.TellAll()
		s.expect(all, 10, 2, nil)
		s.post.Tell("nobody waits for it")
		s.post.Tell()
	})
}

// TestPanicOfAReadPassesTheLeadOn: its caller falls, and the others don't wait for ever.
func TestPanicOfAReadPassesTheLeadOn(t *testing.T) {
	run(t, func(s *scene) {
		read := s.post.Read
		var fell atomic.Bool
		s.post.Read = func(ctx context.Context, k string) (uint64, error) {
			if fell.CompareAndSwap(false, true) {
				panic("fell over")
			}
			return read(ctx, k)
		}
		fallen := make(chan any)
		go func() {
			defer func() { fallen <- recover() }()
			s.lookup(s.Context(), 1)
		}()
		synctest.Wait()
		all := s.looking(s.Context(), 10, 1)
		s.change()
		if <-fallen == nil {
			t.Error("nobody fell")
		}
		s.expect(all, 10, 2, nil)
		s.expectNobody()
	})
}
