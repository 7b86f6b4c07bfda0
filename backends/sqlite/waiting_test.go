package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
)

// crowd are callers who wait in one process for jobs that another works on.
type crowd struct {
	*testing.T
	here, there *sqlite.Backend
	db          *sql.DB // of here
	ids         []string
	queries     atomic.Int64 // of here, since they were last asked for
	answers     chan answer
	leave       context.CancelFunc
	all         sync.WaitGroup
}

type answer struct {
	record *backends.Record
	err    error
	at     time.Time
}

// crowded plays f with so many jobs that wait, each with so many callers.
func crowded(t *testing.T, jobs, callers int, edit func(*backends.Job), f func(c *crowd)) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{T: t, answers: make(chan answer, jobs*callers)}
		file := filepath.Join(t.TempDir(), "jobs.db")
		c.there = opened(t, file, sqlite.Options{Synchronous: "off"})
		c.enqueue(jobs, edit)
		eye = func(_ string, over bool) {
			if !over {
				c.queries.Add(1)
			}
		}
		db, err := sql.Open("sqlite-watched", "file:"+file)
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxIdleConns(4) // as Open does
		c.db = db
		c.here, err = sqlite.New(t.Context(), db, sqlite.Options{Synchronous: "off", Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		sqlite.Own(c.here)
		var ctx context.Context
		ctx, c.leave = context.WithCancel(t.Context())
		for _, id := range c.ids {
			for range callers {
				c.all.Go(func() {
					r, err := c.here.Lookup(ctx, backends.Ref{Tenant: "zeta", ID: id}, 1)
					c.answers <- answer{r, err, time.Now()}
				})
			}
		}
		c.rest()
		c.queries.Store(0)
		f(c)
		c.leave()
		c.all.Wait()
		if err := c.here.Close(); err != nil {
			t.Error(err)
		}
		c.there.Close()
		eye = func(string, bool) {}
	})
}

func (c *crowd) enqueue(n int, edit func(*backends.Job)) {
	for n > 0 {
		var jobs []backends.Job
		for ; n > 0 && len(jobs) < 100; n-- {
			j := backends.Job{Ref: backends.Ref{Tenant: "zeta", ID: fmt.Sprint(len(c.ids))}}
			if edit != nil {
				edit(&j)
			}
			c.ids = append(c.ids, j.ID)
			jobs = append(jobs, j)
		}
		if _, err := c.there.Enqueue(c.Context(), backends.EnqueueRequest{Queue: "q", Jobs: jobs}); err != nil {
			c.Fatal(err)
		}
	}
}

// rest lets all that has been written be seen: nobody has written for so long.
func (c *crowd) rest() { <-time.After(200 * time.Millisecond) }

// cancel ends a job in the other process.
func (c *crowd) cancel(id string) {
	c.Helper()
	errs, err := c.there.Cancel(c.Context(), []backends.Ref{{Tenant: "zeta", ID: id}})
	if err := errors.Join(append(errs, err)...); err != nil {
		c.Fatal(err)
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

// next is the next answer; none in a few minutes is one that never comes.
func (c *crowd) next() answer {
	c.Helper()
	select {
	case a := <-c.answers:
		return a
	case <-time.After(5 * time.Minute):
		c.Error("no answer comes")
		c.leave()
		return <-c.answers
	}
}

// expectQueries wants so many since it was last asked.
func (c *crowd) expectQueries(what string, n int64) {
	c.Helper()
	if have := c.queries.Swap(0); have != n {
		c.Errorf("%s: %d queries, want %d", what, have, n)
	}
}

// TestWaiting_OneGlanceAnswersAll: what another process writes costs those who wait
// for something else one query a thousand.
func TestWaiting_OneGlanceAnswersAll(t *testing.T) {
	unraced(t)
	for _, jobs := range []int{1, 100, 10_000} {
		t.Run(fmt.Sprint(jobs), func(t *testing.T) {
			crowded(t, jobs, 1, nil, func(c *crowd) {
				glance := int64(jobs+999) / 1000
				c.enqueue(1, nil)
				c.rest()
				c.expect(0)
				c.expectQueries("another job", glance)
				c.cancel("0")
				c.rest()
				c.expect(1)
				c.expectQueries("one of them", glance+1)
			})
		})
	}
}

// TestWaiting_OneReadForAllOfAJob: those who wait for the same one share it.
func TestWaiting_OneReadForAllOfAJob(t *testing.T) {
	unraced(t)
	crowded(t, 1, 10_000, nil, func(c *crowd) {
		c.cancel("0")
		c.rest()
		c.expect(10_000)
		c.expectQueries("the end of their job", 2)
	})
}

// TestWaiting_ManyNewcomersShareFewConnections: to open one costs more than many reads.
func TestWaiting_ManyNewcomersShareFewConnections(t *testing.T) {
	unraced(t)
	crowded(t, 1, 10_000, nil, func(c *crowd) {
		if n := c.db.Stats().MaxIdleClosed; n > 10 {
			t.Errorf("%d connections were opened, and closed again", n)
		}
	})
}

// TestWaiting_AnActiveProcessIsSeenSoon: its commits reach a lone caller within 20 ms.
func TestWaiting_AnActiveProcessIsSeenSoon(t *testing.T) {
	for past := range 25 {
		crowded(t, 1, 1, nil, func(c *crowd) {
			c.enqueue(1, nil)
			<-time.After(time.Duration(50+past) * time.Millisecond)
			c.enqueue(1, nil) // a glance has just been
			<-time.After(time.Millisecond)
			c.cancel("0")
			written := time.Now()
			if a := c.next(); a.err != nil || a.at.Sub(written) > 20*time.Millisecond {
				t.Errorf("seen after %v, error %v", a.at.Sub(written), a.err)
			}
		})
	}
}

// TestWaiting_OwnWritesHideNoOthers: a process that writes learns of the others' commits by
// itself, and so must those who wait in it.
func TestWaiting_OwnWritesHideNoOthers(t *testing.T) {
	crowded(t, 2, 1, nil, func(c *crowd) {
		c.cancel("0")
		if err := enqueue(c.Context(), c.here, "own"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if a := c.next(); a.err != nil || a.record.Job.ID != "0" || time.Since(began) > 20*time.Millisecond {
			t.Errorf("got %+v after %v", a, time.Since(began))
		}
	})
}

// TestWaiting_DeadlinesCostOneReadEach: ends that only time brings are told in time, to all.
func TestWaiting_DeadlinesCostOneReadEach(t *testing.T) {
	expires := func(j *backends.Job) { j.Expiry = time.Minute }
	began := time.Now()
	crowded(t, 1, 100, expires, func(c *crowd) {
		began = time.Now()
		for range 100 {
			a := c.next()
			if a.err != nil || a.record.State != backends.Expired || a.at.Sub(a.record.Deadline) > time.Millisecond {
				c.Fatalf("got %+v at %v", a, a.at.Sub(began))
			}
		}
		c.queries.Store(0)
		c.rest()
		c.expectQueries("when all have left", 0)
	})
}

// TestWaiting_RemovalElsewhereIsTold.
func TestWaiting_RemovalElsewhereIsTold(t *testing.T) {
	crowded(t, 3, 1, nil, func(c *crowd) {
		_, err := c.there.Purge(c.Context(), backends.PurgeRequest{Queue: "q", State: backends.Waiting, AnyTenant: true, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if a := c.next(); !errors.Is(a.err, backends.ErrNotFound) {
				t.Errorf("got %+v", a)
			}
		}
	})
}

// TestWaiting_AGlanceThatFailsIsNotTheirs: they read by themselves, and have their answer.
func TestWaiting_AGlanceThatFailsIsNotTheirs(t *testing.T) {
	crowded(t, 2, 1, nil, func(c *crowd) {
		sqlite.BreakGlances(c.here)
		c.cancel("1")
		if a := c.next(); a.err != nil || a.record.Job.ID != "1" || !strings.HasPrefix(a.record.State.String(), "cancel") {
			t.Errorf("got %+v", a)
		}
	})
}

// TestWaiting_NobodyHearsOfWhatAViewSees: it may be rolled back. And the view reads on in
// its own transaction.
func TestWaiting_NobodyHearsOfWhatAViewSees(t *testing.T) {
	crowded(t, 2, 0, func(j *backends.Job) { j.Expiry = time.Minute }, func(c *crowd) {
		tx, err := c.db.BeginTx(c.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		inside, err := sqlite.Tx(tx).Bind(c.here)
		if err != nil {
			t.Fatal(err)
		}
		ref := backends.Ref{Tenant: "zeta", ID: "0"}
		if _, err := inside.(*sqlite.Backend).Cancel(c.Context(), []backends.Ref{ref}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(c.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		for _, who := range []struct {
			of    backends.Backend
			since uint64
		}{{inside, 2}, {c.here, 1}, {inside, 2}} {
			all.Go(func() {
				if r, err := who.of.Lookup(ctx, ref, who.since); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("since %d: got %+v, error %v", who.since, r, err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		r, err := inside.Lookup(c.Context(), backends.Ref{Tenant: "zeta", ID: "1"}, 1)
		if err != nil || r.State != backends.Expired {
			t.Errorf("after its deadline: %+v, error %v", r, err)
		}
	})
}
