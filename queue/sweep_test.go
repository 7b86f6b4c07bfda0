package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/queue"
)

// shelf is a Bucket of keys, with faults to order.
type shelf struct {
	mu      sync.Mutex
	keys    map[string]bool
	listed  []string // yielded by the last List
	lists   int
	refuse  func(key string) error // what Delete answers; nil = does it
	listErr error
}

func shelved(keys ...string) *shelf {
	s := &shelf{keys: map[string]bool{}}
	for _, k := range keys {
		s.keys[k] = true
	}
	return s
}

func (s *shelf) left() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.keys))
}

func (s *shelf) Write(context.Context, string, []byte) error { return fs.ErrInvalid }

func (s *shelf) Open(context.Context, string) (io.ReadCloser, error) { return nil, fs.ErrInvalid }

func (s *shelf) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if err := s.refuse(key); err != nil {
			return err
		}
	}
	delete(s.keys, key)
	return nil
}

func (s *shelf) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s.mu.Lock()
		s.lists++
		s.listed = nil
		err := s.listErr
		s.mu.Unlock()
		for _, k := range s.left() {
			if !strings.HasPrefix(k, prefix) {
				continue
			}
			s.mu.Lock()
			s.listed = append(s.listed, k)
			s.mu.Unlock()
			if !yield(k, nil) {
				return
			}
		}
		if err != nil {
			yield("", err)
		}
	}
}

// atMidnight runs f in a bubble whose clock says 2026-12-09 00:00 UTC.
func atMidnight(t *testing.T, f func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 12, 9, 0, 0, 0, 0, time.UTC)))
		f(t)
	})
}

func TestASweepTakesDaysThatAreOver(t *testing.T) {
	atMidnight(t, func(t *testing.T) {
		over := []string{
			"0000-01-01/a", "1999-12-31/a", "2024-02-29/leap", "2026-12-06/a", "2026-12-06/b/c", "2026-12-07/a",
		}
		stay := []string{
			"", "/", "-/a", "0", "2025-02-29/no leap year", "2026-02-30/no day", "2026-13-01/no month",
			"2026-1-02/short", "2026-12-06", "2026-12-06-x/a", "2026-12-06 /a", "2026-12-060/a", "+2026-12-06/a", "20261206/a",
			"2026-12-07T00:00:00Z/a", "２０２６-12-06/a",
			"2026-12-08/yesterday", "2026-12-09/today", "2026-12-10/a", "2176-01-01/a", "9999-12-31/a",
			"backup/2026-12-06/a", "tenant/a", "_temp/2026-12-06",
		}
		b := shelved(append(over, stay...)...)
		removed, err := (&queue.Sweeper{Bucket: b}).Sweep(t.Context())
		if removed != len(over) || err != nil {
			t.Errorf("removed %d of %d, %v", removed, len(over), err)
		}
		slices.Sort(stay)
		if diff := cmp.Diff(stay, b.left()); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
	})
}

// TestASweepIsByUTC: the machine's zone makes no day early.
func TestASweepIsByUTC(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	for _, zone := range []int{-12, 0, 14} {
		time.Local = time.FixedZone("", zone*3600)
		atMidnight(t, func(t *testing.T) {
			time.Sleep(-time.Second + 24*time.Hour) // 2026-12-09 23:59:59
			b := shelved("2026-12-07/a", "2026-12-08/a")
			sweeper := &queue.Sweeper{Bucket: b}
			if _, err := sweeper.Sweep(t.Context()); err != nil || !slices.Equal(b.left(), []string{"2026-12-08/a"}) {
				t.Errorf("UTC%+d: left %q, %v", zone, b.left(), err)
			}
			time.Sleep(time.Second)
			if _, err := sweeper.Sweep(t.Context()); err != nil || len(b.left()) != 0 {
				t.Errorf("UTC%+d, midnight: left %q, %v", zone, b.left(), err)
			}
		})
	}
}

func TestASweepStopsAtTheFirstDayThatStays(t *testing.T) {
	atMidnight(t, func(t *testing.T) {
		b := shelved("2026-12-06/a", "2026-12-07/a", "2026-12-08/a", "2026-12-09/a", "2026-12-10/a", "backup/a")
		if _, err := (&queue.Sweeper{Bucket: b}).Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		if want := []string{"2026-12-06/a", "2026-12-07/a", "2026-12-08/a"}; !slices.Equal(b.listed, want) {
			t.Errorf("looked at %q, want %q", b.listed, want)
		}
	})
}

func TestAnErrorDoesNotStopASweep(t *testing.T) {
	denied := errors.New("denied")
	atMidnight(t, func(t *testing.T) {
		var keys []string
		for i := range 200 {
			keys = append(keys, fmt.Sprintf("2026-12-06/%03d", i))
		}
		b := shelved(keys...)
		b.refuse = func(key string) error {
			if key < "2026-12-06/100" {
				return denied
			}
			return nil
		}
		removed, err := (&queue.Sweeper{Bucket: b}).Sweep(t.Context())
		if removed != 100 || !errors.Is(err, denied) || !slices.Equal(b.left(), keys[:100]) {
			t.Errorf("removed %d, left %d, %v", removed, len(b.left()), err)
		}
		if lines := strings.Count(err.Error(), "\n") + 1; lines > 20 || !strings.Contains(err.Error(), "90 more") {
			t.Errorf("a hundred errors make %d lines:\n%v", lines, err)
		}

		gone := errors.New("gone")
		b.refuse, b.listErr = nil, gone
		removed, err = (&queue.Sweeper{Bucket: b}).Sweep(t.Context())
		if removed != 100 || !errors.Is(err, gone) {
			t.Errorf("a listing that breaks off: removed %d, %v", removed, err)
		}
	})
}

func TestASweepEndsWithItsContext(t *testing.T) {
	atMidnight(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := shelved("2026-12-06/a", "2026-12-06/b", "2026-12-06/c")
		b.refuse = func(string) error { cancel(); return nil }
		removed, err := (&queue.Sweeper{Bucket: b}).Sweep(ctx)
		if removed != 1 || !errors.Is(err, context.Canceled) {
			t.Errorf("removed %d, %v", removed, err)
		}
	})
}

func TestASweeperRunsEveryHour(t *testing.T) {
	for every, want := range map[time.Duration]time.Duration{0: time.Hour, time.Minute: time.Minute, 1: 1} {
		atMidnight(t, func(t *testing.T) {
			b := shelved()
			s := &queue.Sweeper{Bucket: b, Every: every}
			ctx, cancel := context.WithTimeout(t.Context(), 100*want)
			defer cancel()
			if err := s.Run(ctx); err != nil {
				t.Errorf("Run: %v, want nil when its context ends", err)
			}
			if b.lists < 90 || b.lists > 112 && every != 1 {
				t.Errorf("every %v: %d rounds in 100 of that", want, b.lists)
			}
		})
	}
}

// TestSweepersDoNotMarchInStep: a hundred programs that start at once don't list
// the bucket at one moment.
func TestSweepersDoNotMarchInStep(t *testing.T) {
	atMidnight(t, func(t *testing.T) {
		var mu sync.Mutex
		moments := map[time.Time]int{}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		var all sync.WaitGroup
		for range 100 {
			b := shelved("2026-12-06/a")
			b.refuse = func(string) error {
				mu.Lock()
				defer mu.Unlock()
				moments[time.Now().Truncate(time.Second)]++
				return errors.New("stays")
			}
			all.Go(func() { _ = (&queue.Sweeper{Bucket: b, Logger: slog.New(slog.DiscardHandler)}).Run(ctx) })
		}
		all.Wait()
		first := slices.MinFunc(slices.Collect(maps.Keys(moments)), time.Time.Compare)
		if since := first.Sub(time.Date(2026, 12, 9, 0, 0, 0, 0, time.UTC)); since > 2*time.Minute {
			t.Errorf("the first of a hundred came after %v", since)
		}
		for at, n := range moments {
			if n > 10 {
				t.Errorf("%d of a hundred at %v", n, at)
			}
		}
	})
}

func TestARoundThatFailsIsLoggedAndTriedAgain(t *testing.T) {
	atMidnight(t, func(t *testing.T) {
		b := shelved("2026-12-06/a")
		rounds := 0
		b.refuse = func(string) error {
			if rounds++; rounds < 3 {
				return errors.New("denied")
			}
			return nil
		}
		var log bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Hour)
		defer cancel()
		if err := (&queue.Sweeper{Bucket: b, Logger: slog.New(slog.NewTextHandler(&log, nil))}).Run(ctx); err != nil {
			t.Error(err)
		}
		if len(b.left()) != 0 {
			t.Error("not tried again")
		}
		if strings.Count(log.String(), "level=WARN") != 2 || strings.Count(log.String(), "removed=1") != 1 {
			t.Errorf("log:\n%s", &log)
		}
	})
}

func TestASweeperIsValidated(t *testing.T) {
	for name, s := range map[string]*queue.Sweeper{
		"no bucket": {}, "negative": {Bucket: shelved(), Every: -1},
	} {
		if err := s.Run(t.Context()); !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("%s: Run: %v", name, err)
		}
		if _, err := s.Sweep(t.Context()); !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("%s: Sweep: %v", name, err)
		}
	}
}
