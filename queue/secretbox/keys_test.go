package secretbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func wantAsked(t *testing.T, s *service, encrypts, decrypts int64) {
	t.Helper()
	if e, d := s.asked(); e != encrypts || d != decrypts {
		t.Errorf("the service was asked %d times to wrap, %d to unwrap; want %d and %d", e, d, encrypts, decrypts)
	}
	s.forget()
}

// TestTheServiceIsNotAskedPerJob: its calls cost money, and it limits them.
func TestTheServiceIsNotAskedPerJob(t *testing.T) {
	s := newService()
	writer, reader := New(s.open(t)), New(s.open(t))
	for i := range 1000 {
		plain := fmt.Sprint(i)
		sealed := seal(t, writer, plain, "label")
		wantOpen(t, reader, sealed, "label", plain)
		wantOpen(t, writer, sealed, "label", plain)
	}
	wantAsked(t, s, 1, 1)
}

func TestACrowdAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.beforeEncrypt = func(context.Context) error { time.Sleep(50 * time.Millisecond); return nil }
		s.beforeDecrypt = s.beforeEncrypt
		writer, reader := New(s.open(t)), New(s.open(t))
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { seal(t, writer, "canary", "label") })
		}
		all.Wait()
		wantAsked(t, s, 1, 0)
		sealed := seal(t, writer, "canary", "label")
		for range 100 {
			all.Go(func() { wantOpen(t, reader, sealed, "label", "canary") })
		}
		all.Wait()
		wantAsked(t, s, 0, 1)
	})
}

// TestWhoLeavesTakesNobodyAlong: the caller that asks the service gives up, the
// others don't get its error.
func TestWhoLeavesTakesNobodyAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.beforeEncrypt = func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
				return nil
			}
		}
		b := New(s.open(t))
		hurried, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := b.Seal(hurried, nil, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who leaves: %v", err)
			}
		})
		synctest.Wait()
		for range 10 {
			all.Go(func() { seal(t, b, "canary", "label") })
		}
		all.Wait()
		wantAsked(t, s, 2, 0)
	})
}

// TestAHangingServiceHoldsNobodyLonger than the own context.
func TestAHangingServiceHoldsNobodyLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		release := make(chan struct{})
		s.beforeEncrypt = func(context.Context) error { <-release; return nil } // it doesn't even look at ctx
		b := New(s.open(t))
		var all sync.WaitGroup
		all.Go(func() { seal(t, b, "canary", "label") })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Seal(ctx, nil, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Seal: %v", err)
		}
		close(release)
		all.Wait()
	})
}

func TestAPanickingServiceLeavesNobodyWaiting(t *testing.T) {
	s := newService()
	s.beforeEncrypt = func(context.Context) error { panic("driver") }
	b := New(s.open(t))
	func() {
		defer func() { _ = recover() }()
		_, _ = b.Seal(t.Context(), nil, nil)
	}()
	s.beforeEncrypt = nil
	seal(t, b, "canary", "label")
}

func TestADataKeyRetires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		b := New(s.open(t))
		first := seal(t, b, "first", "label")
		time.Sleep(maxAge - time.Second)
		seal(t, b, "still the same", "label")
		wantAsked(t, s, 1, 0)

		time.Sleep(time.Second)
		second := seal(t, b, "second", "label")
		wantAsked(t, s, 1, 0)

		b.sealing.Load().seals.Store(maxSeals - 1)
		seal(t, b, "the last", "label")
		wantAsked(t, s, 0, 0)
		seal(t, b, "one too many", "label")
		wantAsked(t, s, 1, 0)

		for _, box := range []*Box{b, New(s.open(t))} { // old keys open what they sealed
			wantOpen(t, box, first, "label", "first")
			wantOpen(t, box, second, "label", "second")
		}
		wantAsked(t, s, 0, 2)
	})
}

func TestTheKnownKeysAreBounded(t *testing.T) {
	s := newService()
	b := New(s.open(t))
	var sealed [maxKnown + 2][]byte
	for i := range sealed {
		sealed[i] = seal(t, New(s.open(t)), "canary", "label")
	}
	s.forget()
	for _, one := range sealed[:maxKnown] {
		wantOpen(t, b, one, "label", "canary")
	}
	wantOpen(t, b, sealed[0], "label", "canary") // used again: sealed[1] is the oldest now
	wantAsked(t, s, 0, maxKnown)
	wantOpen(t, b, sealed[maxKnown], "label", "canary")
	wantOpen(t, b, sealed[0], "label", "canary")
	wantAsked(t, s, 0, 1)
	wantOpen(t, b, sealed[1], "label", "canary")
	wantAsked(t, s, 0, 1)
	if n, m := b.known.order.Len(), len(b.known.keys); n != maxKnown || m != maxKnown {
		t.Errorf("%d and %d keys in memory, want %d", n, m, maxKnown)
	}
}
