package broker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/docrecords"

	"gocloud.dev/docstore/memdocstore"
)

// crowd are callers who wait in one process for jobs that another works on; reads are
// what the first one asks of the record store.
type crowd struct {
	*testing.T
	here, there *broker.Backend
	records     *counted
	answers     chan answer
	leave       context.CancelFunc
}

type answer struct {
	record *backends.Record
	err    error
}

// crowded plays f with so many jobs that wait, each with so many callers.
func crowded(t *testing.T, jobs, callers int, f func(c *crowd)) {
	synctest.Test(t, func(t *testing.T) {
		coll, err := memdocstore.OpenCollection("key", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer coll.Close()
		records := docrecords.New(coll, docrecords.Options{})
		pipe := newPipe(standardFacts())
		c := &crowd{T: t, records: &counted{Records: records}, answers: make(chan answer, max(100, jobs*callers))}
		c.there, c.here = broker.New(pipe, records, quiet()), broker.New(pipe, c.records, quiet())
		defer c.there.Close()
		defer c.here.Close()
		req := backends.EnqueueRequest{Queue: theQueue}
		for i := range jobs {
			req.Jobs = append(req.Jobs, plainJob(fmt.Sprint(i)))
		}
		if _, err := c.there.Enqueue(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		var ctx context.Context
		ctx, c.leave = context.WithCancel(t.Context())
		defer c.leave()
		var all sync.WaitGroup
		for i := range jobs {
			for range callers {
				all.Go(func() { c.answers <- c.lookup(ctx, i) })
			}
		}
		synctest.Wait()
		c.expectReads("a newcomer reads at once", int64(jobs*callers))
		f(c)
		c.leave()
		all.Wait()
	})
}

func (c *crowd) ref(i int) backends.Ref { return plainJob(fmt.Sprint(i)).Ref }

func (c *crowd) lookup(ctx context.Context, i int) answer {
	r, err := c.here.Lookup(ctx, c.ref(i), 1)
	return answer{r, err}
}

func (c *crowd) cancel(b *broker.Backend, i int) {
	c.Helper()
	if errs, err := b.Cancel(c.Context(), []backends.Ref{c.ref(i)}); errors.Join(append(errs, err)...) != nil {
		c.Fatal(errs, err)
	}
}

func (c *crowd) expectReads(what string, n int64) {
	c.Helper()
	if have := c.records.reads.Swap(0); have != n {
		c.Errorf("%s: %d reads, want %d", what, have, n)
	}
}

// expect wants n answers by now, all of them cancelled jobs.
func (c *crowd) expect(n int) {
	c.Helper()
	synctest.Wait()
	if len(c.answers) != n {
		c.Fatalf("%d have an answer, want %d", len(c.answers), n)
	}
	for range n {
		if a := <-c.answers; a.err != nil || a.record.State != backends.Cancelled {
			c.Fatalf("got %+v, error %v", a.record, a.err)
		}
	}
}

// TestWaiting_OnePollForEachRecord: reads are paid, and those who wait for one job share
// them. After a minute without news they come every five seconds.
func TestWaiting_OnePollForEachRecord(t *testing.T) {
	for _, row := range []struct{ jobs, callers int }{{1, 1}, {1, 1000}, {1000, 1}} {
		t.Run(fmt.Sprintf("%d jobs, %d callers each", row.jobs, row.callers), func(t *testing.T) {
			crowded(t, row.jobs, row.callers, func(c *crowd) {
				<-time.After(time.Minute)
				c.expectReads("the first minute", int64(23*row.jobs)) // every 2 s, and slowly less
				<-time.After(time.Minute)
				c.expectReads("the second", int64(12*row.jobs))
				c.expect(0)
				c.leave()
				synctest.Wait()
				c.records.reads.Store(0)
				<-time.After(time.Hour)
				c.expectReads("when all have left", 0)
			})
		})
	}
}

// TestWaiting_OneReadTellsAll of what this process has written, at once.
func TestWaiting_OneReadTellsAll(t *testing.T) {
	crowded(t, 2, 100, func(c *crowd) {
		c.cancel(c.here, 1)
		c.expect(100)
		c.expectReads("cancelled and told", 2+1)
	})
}

// TestWaiting_ANewcomerIsNotHeldUp by the pace of those who have waited for long, and what
// others write is seen in time.
func TestWaiting_ANewcomerIsNotHeldUp(t *testing.T) {
	crowded(t, 1, 10, func(c *crowd) {
		<-time.After(10*time.Minute + time.Second)
		c.cancel(c.there, 0)
		if a := c.lookup(c.Context(), 0); a.err != nil || a.record.State != backends.Cancelled {
			t.Errorf("a newcomer: %+v", a)
		}
		written := time.Now()
		for range 10 {
			if a := <-c.answers; a.err != nil || time.Since(written) > 5*time.Second {
				t.Errorf("got %+v after %v", a, time.Since(written))
			}
		}
	})
}

// TestWaiting_PaceStartsAnewWithEachChange: a job that makes progress is followed closely.
func TestWaiting_PaceStartsAnewWithEachChange(t *testing.T) {
	crowded(t, 1, 0, func(c *crowd) {
		var all sync.WaitGroup
		ctx, cancel := context.WithTimeout(c.Context(), 12*time.Minute)
		defer cancel()
		all.Go(func() { _, _ = c.here.Lookup(ctx, c.ref(0), 1<<62) })
		<-time.After(10 * time.Minute)
		c.cancel(c.there, 0)
		<-time.After(5 * time.Second)
		c.records.reads.Store(0)
		<-time.After(20 * time.Second)
		if n := c.records.reads.Load(); n < 9 {
			t.Errorf("%d reads in 20 s after a change", n)
		}
		all.Wait()
	})
}

// TestWaiting_LeaverDoesNotCancelTheRead that others wait for, and an error reaches all.
func TestWaiting_LeaverDoesNotCancelTheRead(t *testing.T) {
	crowded(t, 1, 0, func(c *crowd) {
		ctx, cancel := context.WithCancel(c.Context())
		first := make(chan answer, 1)
		go func() { first <- c.lookup(ctx, 0) }()
		synctest.Wait()
		for range 10 {
			go func() { c.answers <- c.lookup(c.Context(), 0) }()
		}
		synctest.Wait()
		hold := make(chan struct{})
		c.records.hold.Store(&hold)
		c.cancel(c.there, 0)
		<-time.After(3 * time.Second) // its poll is under way
		cancel()
		if a := <-first; !errors.Is(a.err, context.Canceled) {
			t.Errorf("who left got %+v", a)
		}
		close(hold)
		c.answersOf(10, func(a answer) bool { return a.err == nil && a.record.State == backends.Cancelled })
	})
}

func TestWaiting_ErrorReachesAll(t *testing.T) {
	crowded(t, 1, 10, func(c *crowd) {
		c.records.fail.Store(true)
		<-time.After(2 * time.Second)
		c.answersOf(10, func(a answer) bool { return errors.Is(a.err, errShaken) })
		c.expectReads("that failed", 1)
	})
}

func TestWaiting_CloseEndsAll(t *testing.T) {
	crowded(t, 2, 10, func(c *crowd) {
		if err := c.here.Close(); err != nil {
			t.Fatal(err)
		}
		c.answersOf(20, func(a answer) bool { return errors.Is(a.err, backends.ErrClosed) })
	})
}

// answersOf expects n by now, all of them good.
func (c *crowd) answersOf(n int, good func(answer) bool) {
	c.Helper()
	synctest.Wait()
	if len(c.answers) != n {
		c.Fatalf("%d have an answer, want %d", len(c.answers), n)
	}
	for range n {
		if a := <-c.answers; !good(a) {
			c.Errorf("got %+v", a)
		}
	}
}

// TestWaiting_DeadlineIsNotPolledFor: a job that can't start any more is told of then.
func TestWaiting_DeadlineIsNotPolledFor(t *testing.T) {
	crowded(t, 0, 0, func(c *crowd) {
		j := plainJob("0")
		j.Expiry = 2*time.Minute + 700*time.Millisecond
		began := time.Now()
		if _, err := c.there.Enqueue(c.Context(), backends.EnqueueRequest{Queue: theQueue, Jobs: []backends.Job{j}}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			go func() { c.answers <- c.lookup(c.Context(), 0) }()
		}
		a := <-c.answers
		if took := time.Since(began); a.err != nil || a.record.State != backends.Expired || took > j.Expiry+time.Millisecond {
			t.Errorf("got %+v, error %v, after %v", a.record, a.err, took)
		}
		c.answersOf(2, func(a answer) bool { return a.err == nil && a.record.State == backends.Expired })
	})
}
