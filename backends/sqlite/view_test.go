package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/backends/sqlite"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

// shop is a program with tables of its own, and a queue in the same file.
type shop struct {
	*testing.T
	path string
	db   *sql.DB
	b    *sqlite.Backend
	q    *queue.Queue[int, int]
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{T: t, path: filepath.Join(t.TempDir(), "shop.db")}
	s.db = s.open("immediate")
	s.must(s.db.Exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY)`))
	b, err := sqlite.New(t.Context(), s.db, sqlite.Options{Synchronous: "off", Logger: slog.New(slog.DiscardHandler)})
	s.ok(err)
	t.Cleanup(func() { s.ok(b.Close()) })
	s.b, s.q = b, queue.New[int, int](b, "orders")
	return s
}

// open opens the file once more, for transactions that begin in such a way.
func (s *shop) open(lock string) *sql.DB {
	s.Helper()
	db, err := sql.Open("sqlite", "file:"+s.path+"?_pragma=busy_timeout(10000)&_pragma=synchronous(0)&_txlock="+lock)
	s.ok(err)
	s.Cleanup(func() { s.ok(db.Close()) })
	return db
}

func (s *shop) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shop) must(_ any, err error) { s.Helper(); s.ok(err) }

func (s *shop) begin() *sql.Tx {
	s.Helper()
	tx, err := s.db.BeginTx(context.Background(), nil)
	s.ok(err)
	return tx
}

// orders counts the program's own rows.
func (s *shop) orders(want int) {
	s.Helper()
	var n int
	s.ok(s.db.QueryRow(`SELECT count(*) FROM orders`).Scan(&n))
	if n != want {
		s.Errorf("%d orders, want %d", n, want)
	}
}

func (s *shop) expect(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("error %v, want %v", err, want)
	}
}

// depth is how many jobs wait.
func (s *shop) depth(want int) {
	s.Helper()
	stats, err := s.q.Stats(s.Context())
	s.ok(err)
	if stats.Queued != want {
		s.Errorf("%d jobs wait, want %d", stats.Queued, want)
	}
}

// A rollback takes all of an enqueue back: the job, its key, and nothing else.
func TestTx_ARollbackLeavesNothing(t *testing.T) {
	s := newShop(t)
	instance := func() string {
		key, _, err := s.b.Cells().Get(t.Context(), backends.InstanceCell, "")
		s.ok(err)
		return string(key)
	}
	before := instance()
	tx := s.begin()
	first, err := s.q.On(sqlite.Tx(tx)).Enqueue(t.Context(), 1, queue.Key("order 1"), queue.Supersede("place"))
	s.ok(err)
	if again, err := s.q.On(sqlite.Tx(tx)).Enqueue(t.Context(), 1, queue.Key("order 1")); err != nil || !again.Duplicate {
		t.Errorf("inside, the key again: %+v %v", again, err)
	}
	s.ok(tx.Rollback())
	_, err = result.Lookup(t.Context(), s.q, first.Ref)
	s.expect(err, queue.ErrNotFound)
	if before == "" || instance() != before {
		t.Error("the instance key has changed")
	}
	second, err := s.q.Enqueue(t.Context(), 2, queue.Key("order 1"), queue.Supersede("place")) // with other args
	s.ok(err)
	if second.Duplicate || second.ID != first.ID {
		t.Errorf("%+v after %+v", second, first)
	}
	s.depth(1)
}

func TestTx_TwoJobsAreOne(t *testing.T) {
	s := newShop(t)
	for _, ends := range []func(*sql.Tx) error{(*sql.Tx).Rollback, (*sql.Tx).Commit} {
		tx := s.begin()
		on := s.q.On(sqlite.Tx(tx))
		a, err := on.Enqueue(t.Context(), 1)
		s.ok(err)
		s.must(tx.Exec(`INSERT INTO orders DEFAULT VALUES`))
		b, err := on.Enqueue(t.Context(), 2)
		s.ok(err)
		if a.Order >= b.Order {
			t.Errorf("orders %d, %d", a.Order, b.Order)
		}
		s.ok(ends(tx))
	}
	s.depth(2)
	s.orders(1)
}

// topic takes events in.
type topic struct {
	mu     sync.Mutex
	events []queue.Event
}

func (to *topic) Announce(_ context.Context, events []queue.Event) []error {
	to.mu.Lock()
	defer to.mu.Unlock()
	to.events = append(to.events, events...)
	return nil
}

func (to *topic) ids() (ids []string) {
	to.mu.Lock()
	defer to.mu.Unlock()
	for _, e := range to.events {
		ids = append(ids, e.ID)
	}
	return ids
}

// work runs a worker until the test ends.
func (s *shop) work(w *worker.Worker[int, int]) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	s.Cleanup(func() { stop(); s.ok(<-done) })
}

// A handler that does its own SQL and the outcome in one transaction: rolled back, the
// job still runs and is tried again; committed, both are there once, and event and
// write-back leave as always.
func TestTx_CompleteIsOneWithTheHandlersOwnWrites(t *testing.T) {
	s := newShop(t)
	to := &topic{}
	s.q.Announce = to
	backs := make(chan int, 10)
	w := worker.New(s.q, func(ctx context.Context, job *queue.Job[int]) (int, error) {
		tx := s.begin()
		defer tx.Rollback()
		s.must(tx.Exec(`INSERT INTO orders DEFAULT VALUES`))
		if err := s.q.On(sqlite.Tx(tx)).Complete(ctx, job, 2*job.Args); err != nil {
			return 0, err
		}
		if job.Attempt == 1 {
			return 0, errors.New("changed my mind") // and the transaction's
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
		return 2 * job.Args, worker.Settled
	})
	w.AfterSuccess = func(_ context.Context, _ *queue.Job[int], n int) error { backs <- n; return nil }
	w.Backoff = func(int) time.Duration { return time.Millisecond }
	w.Logger = slog.New(slog.DiscardHandler)
	s.work(w)

	ticket, err := s.q.Enqueue(t.Context(), 21)
	s.ok(err)
	if n, err := result.Wait(t.Context(), s.q, ticket.Ref); n != 42 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if n := <-backs; n != 42 {
		t.Errorf("written back: %d", n)
	}
	s.paid(ticket.Ref)
	s.orders(1)
	r, err := s.b.Lookup(t.Context(), ticket.Ref, 0)
	s.ok(err)
	if ids := to.ids(); r.Attempt != 2 || len(ids) != 1 || len(backs) != 0 {
		t.Errorf("attempt %d, events %v, %d more write-backs", r.Attempt, ids, len(backs))
	}
}

// paid waits until a job owes nothing.
func (s *shop) paid(ref queue.Ref) {
	s.Helper()
	var since uint64
	for {
		r, err := s.b.Lookup(s.Context(), ref, since)
		s.ok(err)
		if r.State.Ended() && r.Owes == 0 {
			return
		}
		since = r.Version
	}
}

// A sleeping worker runs what another connection commits, and not before.
func TestTx_AWorkerSeesTheCommitSoon(t *testing.T) {
	s := newShop(t)
	ran := make(chan time.Time, 1)
	s.work(worker.New(s.q, func(context.Context, *queue.Job[int]) (int, error) {
		ran <- time.Now()
		return 0, nil
	}))
	time.Sleep(100 * time.Millisecond) // it sleeps by then
	tx := s.begin()
	s.must(s.q.On(sqlite.Tx(tx)).Enqueue(t.Context(), 1))
	time.Sleep(50 * time.Millisecond)
	committed := time.Now()
	s.ok(tx.Commit())
	switch waited := (<-ran).Sub(committed); {
	case waited < 0:
		t.Errorf("it ran %v before the commit", -waited)
	case waited > time.Second:
		t.Errorf("it ran %v after the commit", waited)
	default:
		t.Logf("it ran %v after the commit", waited)
	}
}

// A transaction of something else is refused in words, and left alone.
func TestTx_OfSomethingElse(t *testing.T) {
	s, other := newShop(t), newShop(t)
	plain, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "plain.db"))
	s.ok(err)
	defer plain.Close()
	tx, err := plain.Begin()
	s.ok(err)
	defer tx.Rollback()
	elsewhere := other.begin()
	defer elsewhere.Rollback()
	mine := s.begin()
	inMemory := memory.New(memory.Options{})
	defer inMemory.Close()
	for name, c := range map[string]struct {
		q    *queue.Queue[int, int]
		tx   *sql.Tx
		want string
	}{
		"a file without our tables": {s.q, tx, "the transaction is on another file than the queue"},
		"another store's file":      {s.q, elsewhere, "the transaction is on another file than the queue"},
		"a queue in memory":         {queue.New[int, int](inMemory, "orders"), mine, "needs a transaction, and a queue on backends/sqlite"},
		"none":                      {s.q, nil, "needs a transaction, and a queue on backends/sqlite"},
	} {
		_, err := c.q.On(sqlite.Tx(c.tx)).Enqueue(t.Context(), 1)
		if s.expect(err, queue.ErrInvalid); err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.ok(mine.Rollback())
	ended := s.begin()
	s.ok(ended.Commit())
	_, err = s.q.On(sqlite.Tx(ended)).Enqueue(t.Context(), 1)
	s.expect(err, sql.ErrTxDone)
	late := s.begin()
	on := s.q.On(sqlite.Tx(late))
	s.ok(late.Rollback())
	_, err = on.Enqueue(t.Context(), 1)
	s.expect(err, sql.ErrTxDone)
	s.depth(0)
	s.ok(elsewhere.Rollback())
	other.depth(0)
}

// A transaction that has read before it writes can't write on what is old by now.
func TestTx_ReadBeforeAnotherWroteIsErrLocked(t *testing.T) {
	s := newShop(t)
	tx, err := s.open("deferred").Begin()
	s.ok(err)
	var n int
	s.ok(tx.QueryRow(`SELECT count(*) FROM orders`).Scan(&n))
	s.must(s.db.Exec(`INSERT INTO orders DEFAULT VALUES`)) // between
	begin := time.Now()
	_, err = s.q.On(sqlite.Tx(tx)).Enqueue(t.Context(), 1)
	s.expect(err, sqlite.ErrLocked)
	if waited := time.Since(begin); waited > 5*time.Second {
		t.Errorf("it waited %v for what can't come", waited)
	}
	s.ok(tx.Commit()) // of nothing
	s.depth(0)

	tx, err = s.open("deferred").Begin() // without reading first, all is well
	s.ok(err)
	s.must(s.q.On(sqlite.Tx(tx)).Enqueue(t.Context(), 1))
	s.ok(tx.Commit())
	s.depth(1)
}

// What fails in the middle leaves nothing, though the caller commits.
func TestTx_AFailedCallHasWrittenNothing(t *testing.T) {
	s := newShop(t)
	tx := s.begin()
	s.must(tx.Exec(`INSERT INTO orders DEFAULT VALUES`))
	s.must(tx.Exec(`CREATE TEMP TRIGGER bad BEFORE INSERT ON leat_jobs WHEN NEW.tenant = 'bad' BEGIN SELECT RAISE(FAIL, 'no room'); END`))
	out, err := s.q.On(sqlite.Tx(tx)).EnqueueAll(t.Context(), []queue.Item[int]{queue.With(1, queue.Tenant("good")), queue.With(2, queue.Tenant("bad"))})
	if err == nil || out[0].Err == nil || !strings.Contains(out[1].Err.Error(), "no room") {
		t.Errorf("%+v %v", out, err)
	}
	s.must(tx.Exec(`DROP TRIGGER bad`))
	s.ok(tx.Commit())
	s.depth(0)
	s.orders(1)
}

// What a transaction makes and takes back the process must not believe in: the numbers
// of its lines are given to others.
func TestTx_ARolledBackLineIsNotRemembered(t *testing.T) {
	s := newShop(t)
	s.q.Announce = queue.Elsewhere
	emails, faxes := queue.View[int, queue.None](s.q, "email"), queue.View[int, queue.None](s.q, "fax")
	first, err := s.q.Enqueue(t.Context(), 1)
	s.ok(err)
	claim := func(kind string, can backends.Debt) []*backends.Lease {
		ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		leases, err := s.b.Claim(ctx, backends.ClaimRequest{Queue: "orders", Kinds: []string{kind}, Max: 10, Lease: time.Minute, CanAnnounce: can})
		if err != nil {
			s.expect(err, context.DeadlineExceeded)
		}
		return leases
	}
	end := func(b backends.Backend, l *backends.Lease) { // and leave it to others to announce
		for _, verb := range []backends.Settlement{{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded}, {Lease: l, Verb: backends.Release}} {
			errs, err := b.Settle(t.Context(), []backends.Settlement{verb})
			s.ok(errors.Join(append(errs, err)...))
		}
	}
	leases := claim("", 0)

	tx := s.begin()
	inside, err := sqlite.Tx(tx).Bind(s.b)
	s.ok(err)
	end(inside, leases[0]) // makes the line of those that owe an event
	second, err := emails.On(sqlite.Tx(tx)).Enqueue(t.Context(), 2)
	s.ok(err)
	s.must(result.Lookup(t.Context(), emails.On(sqlite.Tx(tx)), second.Ref)) // a read, which sees its kind's line
	s.ok(tx.Rollback())

	third, err := faxes.Enqueue(t.Context(), 3)
	s.ok(err)
	fourth, err := emails.Enqueue(t.Context(), 4)
	s.ok(err)
	end(s.b, leases[0])
	for kind, want := range map[string]queue.Ref{"fax": third.Ref, "email": fourth.Ref} {
		if got := claim(kind, 0); len(got) != 1 || got[0].Job.Ref != want || got[0].Job.Kind != kind {
			t.Errorf("a worker for %s gets %d jobs", kind, len(got))
		}
	}
	events := claim("", backends.Event)
	if !slices.ContainsFunc(events, func(l *backends.Lease) bool { return l.Job.Ref == first.Ref && l.Outcome != nil }) {
		t.Errorf("nobody gets the event: %d leases", len(events))
	}
}
