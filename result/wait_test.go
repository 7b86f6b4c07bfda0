package result_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

func TestWaitEndsWithTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		ref := s.enqueue()
		go func() {
			l := s.Claim()
			time.Sleep(time.Minute)
			s.Report(l, 40, "halfway")
			time.Sleep(time.Minute)
			s.Succeed(l, plan{12})
		}()
		start := time.Now()
		got, err := result.Wait(t.Context(), s.q, ref)
		expect(t, err, nil)
		if took := time.Since(start); got.Order != 12 || took != 2*time.Minute {
			t.Errorf("got %+v after %v", got, took)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		ref := s.enqueue()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := result.Wait(ctx, s.q, ref)
		expect(t, err, context.DeadlineExceeded)
		if want := "result: wait: job " + ref.ID + " is waiting: context deadline exceeded"; err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("after %v", took)
		}
	})
}

// A queue that keeps nothing forgets the job with its end: who waits is told so.
func TestWaitOnAQueueThatKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.q.Retention = -1
		ref := s.enqueue()
		go func() {
			synctest.Wait()
			s.Succeed(s.Claim(), plan{})
		}()
		_, err := result.Wait(t.Context(), s.q, ref)
		expect(t, err, queue.ErrNotFound)
	})
}

func TestWaitOutlastsAStoreThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		ref := s.enqueue()
		s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup, Rate: backendtest.Times(7)})
		s.Succeed(s.Claim(), plan{12})
		start := time.Now()
		got, err := result.Wait(t.Context(), s.q, ref)
		expect(t, err, nil)
		if took := time.Since(start); got.Order != 12 || took < 1500*time.Millisecond || took > 5*time.Second {
			t.Errorf("got %+v after %v", got, took)
		}
	})
}

// Seven failures are outlasted again after each answer.
func TestWaitCountsFailuresFromTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		ref := s.enqueue()
		s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup, Rate: func(call int) bool { return call%5 != 0 }})
		go func() {
			for range 6 {
				time.Sleep(time.Minute)
				s.Retry(s.Claim(), 0, "again")
			}
			s.Succeed(s.Claim(), plan{12})
		}()
		_, err := result.Wait(t.Context(), s.q, ref)
		expect(t, err, nil)
	})
}

func TestWaitGivesUpOnAStoreThatStaysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		ref := s.enqueue()
		s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup})
		_, err := result.Wait(t.Context(), s.q, ref)
		expect(t, err, backendtest.ErrInjected)
		if n := s.b.Injected(backendtest.Lookup); n != 8 {
			t.Errorf("asked %d times", n)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err = result.Wait(ctx, s.q, ref)
		expect(t, err, context.DeadlineExceeded)
		expect(t, err, backendtest.ErrInjected)
		if took := time.Since(start); took != time.Second {
			t.Errorf("after %v", took)
		}
	})
}

// A timeout of the driver's own is not the caller's.
func TestWaitOutlastsADriversDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		ref := s.enqueue()
		s.Succeed(s.Claim(), plan{12})
		s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup, Rate: backendtest.Times(2), Err: context.DeadlineExceeded})
		_, err := result.Wait(t.Context(), s.q, ref)
		expect(t, err, nil)
	})
}

func TestWaitAsksOnceWhereAskingIsPointless(t *testing.T) {
	for _, sure := range []error{queue.ErrNotFound, queue.ErrClosed, queue.ErrInvalid, errors.ErrUnsupported} {
		s := newScene(t)
		ref := s.enqueue()
		s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup, Err: sure})
		_, err := result.Wait(t.Context(), s.q, ref)
		expect(t, err, sure)
		if n := s.b.Injected(backendtest.Lookup); n != 1 {
			t.Errorf("%v: asked %d times", sure, n)
		}
	}
}
