package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
)

// skewed is a wall clock that can be set.
type skewed struct{ by atomic.Int64 }

func (s *skewed) now() time.Time { return time.Now().Add(time.Duration(s.by.Load())) }

func (s *skewed) set(by time.Duration) { s.by.Store(int64(by)) }

func TestRow_C5_Clock(t *testing.T) {
	type step struct {
		after     time.Duration // the step before
		wall      time.Duration // how wrong the wall clock is now
		now, from time.Duration // and what is read, against the right time
	}
	const hour = time.Hour
	for name, steps := range map[string][]step{
		"right":                    {{0, 0, 0, 0}, {hour, 0, 0, 0}, {1000 * hour, 0, 0, 0}},
		"ahead":                    {{hour, hour, 0, hour}, {5 * time.Second, hour, 0, hour}, {holdBack - 5*time.Second, hour, hour, hour}, {hour, hour, hour, hour}},
		"ahead, seen late":         {{5 * hour, hour, 0, hour}, {9 * time.Second, hour, 0, hour}, {hour, hour, hour, hour}},
		"ahead, and set right":     {{hour, hour, 0, hour}, {5 * time.Second, 0, 0, 0}, {hour, 0, 0, 0}},
		"ahead twice":              {{hour, hour, 0, hour}, {5 * time.Second, 2 * hour, 0, 2 * hour}, {5 * time.Second, 2 * hour, 2 * hour, 2 * hour}},
		"behind":                   {{0, -hour, 0, 0}, {time.Second, -hour, -time.Second / 2, -time.Second / 2}, {2*hour - time.Second, -hour, -hour, -hour}, {hour, -hour, -hour, -hour}},
		"behind, and set right":    {{0, -hour, 0, 0}, {time.Minute, -hour, -30 * time.Second, -30 * time.Second}, {0, 0, -30 * time.Second, 0}, {holdBack, 0, 0, 0}},
		"a little fast":            {{0, time.Second / 2, 0, 0}, {10 * time.Second, time.Second / 2, time.Second / 10, time.Second / 10}, {hour, time.Second / 2, time.Second / 2, time.Second / 2}},
		"a little slow":            {{0, -time.Second / 2, 0, 0}, {10 * time.Second, -time.Second / 2, -time.Second / 10, -time.Second / 10}, {hour, -time.Second / 2, -time.Second / 2, -time.Second / 2}},
		"behind what Go can count": {{0, -200 * 365 * 24 * hour, 0, 0}, {time.Minute, -200 * 365 * 24 * hour, -30 * time.Second, -30 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var wall skewed
				c := newClock(wall.now)
				for i, s := range steps {
					<-time.After(s.after)
					wall.set(s.wall)
					right := time.Now().UnixNano()
					now, from := c.read()
					if got := time.Duration(now - right); got != s.now {
						t.Errorf("step %d: now is off by %v, want %v", i, got, s.now)
					}
					if got := time.Duration(from - right); got != s.from {
						t.Errorf("step %d: spans are off by %v, want %v", i, got, s.from)
					}
				}
			})
		})
	}
}

// TestRow_C5_ClockNeverGoesBack, whatever becomes of the wall clock, nor stands still.
func TestRow_C5_ClockNeverGoesBack(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			var wall skewed
			c := newClock(wall.now)
			last, _ := c.read()
			for range 100 {
				if r.IntN(4) == 0 {
					wall.set(time.Duration(r.NormFloat64() * float64(time.Minute)))
				}
				span := time.Duration(r.ExpFloat64() * float64(5*time.Second))
				<-time.After(span)
				now, from := c.read()
				if now-last < int64(span)/2 || from < now {
					t.Fatalf("seed %d: %v went by, and the time by %v; spans begin %v after", seed, span, time.Duration(now-last), time.Duration(from-now))
				}
				last = now
			}
		})
	}
}

// jumping is a store in a bubble whose wall clock can be set.
func jumping(t *testing.T) (*Backend, *skewed) {
	wall := new(skewed)
	b, err := Open(context.Background(), filepath.Join(t.TempDir(), "jobs.db"), Options{
		Synchronous: "off", Logger: slog.New(slog.DiscardHandler), wall: wall.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b, wall
}

func add(t *testing.T, b *Backend, id string, edit func(*backends.Job)) {
	t.Helper()
	j := backends.Job{Ref: backends.Ref{ID: id}}
	if edit != nil {
		edit(&j)
	}
	out, err := b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "q", Jobs: []backends.Job{j}})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
}

// take claims one job, within so long.
func take(t *testing.T, b *Backend, within time.Duration) *backends.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	leases, err := b.Claim(ctx, backends.ClaimRequest{Queue: "q", Max: 1, Lease: 30 * time.Second})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return leases[0]
}

var jumps = map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour}

// TestRow_C5_WhoBeatsKeepsTheJob through a jump of the wall clock, and who is silent
// loses it.
func TestRow_C5_WhoBeatsKeepsTheJob(t *testing.T) {
	for name, by := range jumps {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, wall := jumping(t)
				add(t, b, "beats", nil)
				lease := take(t, b, time.Second)
				add(t, b, "silent", nil)
				take(t, b, time.Second)
				<-time.After(5 * time.Second)
				wall.set(by)
				jumped := time.Now()
				stolen := make(chan *backends.Lease)
				go func() { stolen <- take(t, b, 10*time.Minute) }()
				beat := time.NewTicker(5 * time.Second)
				defer beat.Stop()
				var other *backends.Lease
				for time.Since(jumped) < 5*time.Minute {
					select {
					case other = <-stolen:
						go func() { stolen <- take(t, b, 10*time.Minute) }()
						if other.Job.ID != "silent" {
							t.Fatalf("who beats lost the job %v after the jump", time.Since(jumped))
						}
						if took := time.Since(jumped); took < holdBack || took > time.Minute {
							t.Errorf("who is silent lost the job after %v", took)
						}
						_, err := b.Settle(t.Context(), []backends.Settlement{{Lease: other, Verb: backends.Commit, Outcome: backends.Succeeded}})
						if err != nil {
							t.Fatal(err)
						}
					case <-beat.C:
						if errs, err := b.Extend(t.Context(), 30*time.Second, []backends.Beat{{Lease: lease}}); err != nil || errs != nil {
							t.Fatal(err, errs)
						}
					}
				}
				if other == nil {
					t.Error("who is silent kept the job")
				}
				quiet := time.Now()
				if l := <-stolen; l == nil || l.Job.ID != "beats" {
					t.Errorf("a job whose holder fell silent wasn't had: %v", l)
				}
				if took := time.Since(quiet); took < 25*time.Second || took > time.Minute {
					t.Errorf("its lease ended after %v", took)
				}
			})
		})
	}
}

// TestRow_C5_NoSpanEndsEarly: what waits since a jump, or is put off after it, waits its
// whole time; so does what waited before, if the clock was set back.
func TestRow_C5_NoSpanEndsEarly(t *testing.T) {
	const delay = time.Minute
	for name, begin := range map[string]func(t *testing.T, b *Backend){
		"Delay": func(t *testing.T, b *Backend) {
			add(t, b, "1", func(j *backends.Job) { j.Delay = delay })
		},
		"Retry":  func(t *testing.T, b *Backend) { putOff(t, b, backends.Retry, delay) },
		"Snooze": func(t *testing.T, b *Backend) { putOff(t, b, backends.Snooze, delay) },
	} {
		for direction, by := range jumps {
			for _, first := range []bool{true, false} {
				if first && by > 0 {
					continue // what is due by the wall clock is due
				}
				t.Run(name+"/"+direction, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						b, wall := jumping(t)
						<-time.After(time.Second)
						if !first {
							wall.set(by)
						}
						start := time.Now()
						begin(t, b)
						wall.set(by)
						if take(t, b, 10*time.Minute) == nil {
							t.Fatal("it never came")
						}
						if took := time.Since(start); took < delay-tolerance || took > 2*delay+tolerance {
							t.Errorf("it came after %v, of %v", took, delay)
						}
					})
				})
			}
		}
	}
}

func putOff(t *testing.T, b *Backend, verb backends.Verb, d time.Duration) {
	t.Helper()
	add(t, b, "1", nil)
	l := take(t, b, time.Second)
	errs, err := b.Settle(t.Context(), []backends.Settlement{{Lease: l, Verb: verb, Delay: d}})
	if err != nil || errs != nil {
		t.Fatal(err, errs)
	}
}

// TestRow_C5_NoJobExpiresEarly: nor does what has an hour to begin in.
func TestRow_C5_NoJobExpiresEarly(t *testing.T) {
	for name, by := range jumps {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, wall := jumping(t)
				<-time.After(time.Second)
				wall.set(by)
				add(t, b, "1", func(j *backends.Job) { j.Expiry = time.Minute })
				<-time.After(time.Minute - tolerance)
				if r, err := b.Lookup(t.Context(), backends.Ref{ID: "1"}, 0); err != nil || r.State != backends.Waiting {
					t.Errorf("got %+v, %v", r, err)
				}
				if r, err := b.Lookup(t.Context(), backends.Ref{ID: "1"}, 1); err != nil || r.State != backends.Expired {
					t.Errorf("got %+v, %v", r, err)
				}
			})
		})
	}
}
