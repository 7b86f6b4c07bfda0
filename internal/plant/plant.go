// Package plant is where real workers are put to the test: producers, several
// processes that can be killed and frozen, a topic and an operator, on one store,
// in virtual time. What happens is written down, and judged in Jepsen's words:
// lost, unexpected, duplicated, wrong, illegal, unannounced, stuck must all be zero.
//
//	            ┌───────── Process ─────────┐
//	producers   │ worker ─▶ line ─▶ Faulty ─┼─▶ ledger ─▶ Around ─▶ the store
//	     │      │   │  (cut by Kill, held   │   (sees what the store really did)
//	     │      │   │   up by Freeze)       │
//	     │      │   └────▶ outlet ──────────┼─▶ topic
//	     │      └───────────────────────────┘
//	     └─────────▶ Faulty ──────────────────▶ ledger ─▶ …
//
// Jobs carry a number, and a result names the attempt that computed it, so that
// the record of a job can be held against what its handlers did.
package plant

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// Name is the queue's.
const Name = "whatif"

// Args say which job it is. Say is for the row: what its handler is to do.
type Args struct {
	N       int
	Say     string `json:",omitempty"`
	Ballast string `json:",omitempty"`
}

// Result is what one attempt, and no other, computes.
type Result struct {
	N          int
	Generation int64
	Token      uint64
	Ballast    string `json:",omitempty"`
}

type (
	// Job is a job of the plant.
	Job = queue.Job[Args]
	// Queue is its queue, as one process holds it.
	Queue = queue.Queue[Args, Result]
	// Worker works it.
	Worker = worker.Worker[Args, Result]
)

// Options say what is done in a plant, and how it goes wrong. The zero value is a
// plant where all is well and every handler succeeds at once.
type Options struct {
	Store  func(t *testing.T) backends.Backend                   // nil = memory
	Around func(backends.Backend) backends.Backend               // a decorator between the ledger and the store: to break it
	Queue  func(q *Queue)                                        // sets the facts that all share
	Worker func(w *Worker)                                       // sets those of each process
	Faults func(process string) []backendtest.Fault              // of each process; "producers" is one
	Way    func(p *Process, b backends.Backend) backends.Backend // a decorator on the way of each process to the store

	Handle    func(ctx context.Context, p *Process, j *Job) (Result, error)
	Announce  func(ctx context.Context, p *Process, events []queue.Event, deliver func(queue.Event)) []error
	WriteBack func(ctx context.Context, p *Process, j *Job, write func()) error
}

// Plant is one store and all who use it.
type Plant struct {
	T       *testing.T
	Queue   *Queue              // the producers'
	Faults  *backendtest.Faulty // theirs, too
	Store   backends.Backend    // without faults: for those who look on
	Bucket  *Bucket             // for what is large
	Witness *Witness

	o      Options
	ledger *ledger
	end    chan struct{}  // closed when all is over: who never returns, does then
	users  sync.WaitGroup // code of the user's that runs
	asked  atomic.Int64
	judged bool

	mu        sync.Mutex
	processes []*Process
}

// Run plays a row in a bubble of its own. What is not well fails t, unless the row
// has taken the verdict itself.
func Run(t *testing.T, o Options, row func(pl *Plant)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pl := open(t, o)
		defer pl.close()
		row(pl)
		if !pl.judged {
			pl.Verdict().Report(t)
		}
	})
}

func open(t *testing.T, o Options) *Plant {
	pl := &Plant{T: t, o: o.filled(), end: make(chan struct{}), Bucket: NewBucket()}
	pl.Store = pl.o.Store(t)
	pl.Witness = newWitness(pl.Store, pl.Bucket)
	inside := pl.Store
	if o.Around != nil {
		inside = o.Around(inside)
	}
	pl.ledger = &ledger{Backend: inside, w: pl.Witness}
	pl.Faults = backendtest.NewFaulty(pl.ledger, pl.o.Faults("producers")...)
	pl.Queue = queue.New[Args, Result](pl.Faults, Name)
	pl.Queue.Bucket = pl.Bucket
	pl.o.Queue(pl.Queue)
	pl.Queue.Announce = queue.Elsewhere
	return pl
}

func (o Options) filled() Options {
	if o.Store == nil {
		o.Store = memoryStore
	}
	if o.Queue == nil {
		o.Queue = func(*Queue) {}
	}
	if o.Worker == nil {
		o.Worker = func(*Worker) {}
	}
	if o.Faults == nil {
		o.Faults = func(string) []backendtest.Fault { return nil }
	}
	if o.Way == nil {
		o.Way = func(_ *Process, b backends.Backend) backends.Backend { return b }
	}
	if o.Handle == nil {
		o.Handle = func(_ context.Context, p *Process, j *Job) (Result, error) { return p.Result(j), nil }
	}
	if o.Announce == nil {
		o.Announce = func(_ context.Context, _ *Process, events []queue.Event, deliver func(queue.Event)) []error {
			for _, e := range events {
				deliver(e)
			}
			return nil
		}
	}
	if o.WriteBack == nil {
		o.WriteBack = func(_ context.Context, _ *Process, _ *Job, write func()) error { write(); return nil }
	}
	return o
}

// close ends all processes, frees who never returns, and closes the store.
func (pl *Plant) close() {
	for _, p := range pl.all() {
		p.Thaw()
		p.Stop()
	}
	for _, p := range pl.all() {
		if !p.Dead() {
			<-p.over
		}
	}
	close(pl.end)
	for _, p := range pl.all() {
		<-p.over
	}
	pl.users.Wait()
	if err := pl.Store.Close(); err != nil {
		pl.T.Errorf("Close: %v", err)
	}
}

func (pl *Plant) all() []*Process {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return append([]*Process(nil), pl.processes...)
}

// Never blocks until the plant is closed: a handler that doesn't return.
func (pl *Plant) Never() { <-pl.end }

// Next is the number of a new job.
func (pl *Plant) Next() int { return int(pl.asked.Add(1)) }

// Asked is how many numbers were given out.
func (pl *Plant) Asked() int { return int(pl.asked.Load()) }

// Ask enqueues a job as a producer does. Its args' N comes from [Plant.Next]; the
// same N once more is the same request, and must have the same Key.
func (pl *Plant) Ask(ctx context.Context, a Args, opts ...queue.Option) (queue.Ticket, error) {
	pl.Witness.expect(a)
	t, err := pl.Queue.Enqueue(ctx, a, append(opts[:len(opts):len(opts)], numbered(a))...)
	pl.Witness.answered(a, t, err)
	return t, err
}

// AskAll enqueues many by one call.
func (pl *Plant) AskAll(ctx context.Context, all []Args, opts ...queue.Option) error {
	items := make([]queue.Item[Args], len(all))
	for i, a := range all {
		pl.Witness.expect(a)
		items[i] = queue.With(a, append(opts[:len(opts):len(opts)], numbered(a))...)
	}
	out, err := pl.Queue.EnqueueAll(ctx, items)
	for i, o := range out {
		pl.Witness.answered(all[i], o.Ticket, o.Err)
	}
	return err
}

// Jobs are n new ones that say the same.
func (pl *Plant) Jobs(n int, say string) []Args {
	all := make([]Args, n)
	for i := range all {
		all[i] = Args{N: pl.Next(), Say: say}
	}
	return all
}

// MustAskAll is AskAll where nothing may fail.
func (pl *Plant) MustAskAll(all []Args, opts ...queue.Option) {
	pl.T.Helper()
	if err := pl.AskAll(pl.T.Context(), all, opts...); err != nil {
		pl.T.Fatalf("Enqueue: %v", err)
	}
}

// Redrive gives the dead letters of a listing another life, and notes how they had
// ended before.
func (pl *Plant) Redrive(ctx context.Context, letters ...*backends.Record) error {
	for _, r := range letters {
		pl.Witness.ended(r)
	}
	return pl.Queue.Redrive(ctx, letters...)
}

// Lookup is what the store has of a job.
func (pl *Plant) Lookup(ref queue.Ref) *backends.Record {
	pl.T.Helper()
	r, err := pl.Store.Lookup(pl.T.Context(), ref, 0)
	if err != nil {
		pl.T.Fatalf("Lookup: %v", err)
	}
	return r
}

// Operator is the store's, without faults.
func (pl *Plant) Operator() backends.Operator {
	op, ok := backends.As[backends.Operator](pl.Store)
	if !ok {
		pl.T.Fatal("the store has no Operator")
	}
	return op
}

// Stats counts the queue.
func (pl *Plant) Stats() backends.Stats {
	pl.T.Helper()
	st, err := pl.Operator().Stats(pl.T.Context(), Name)
	if err != nil {
		pl.T.Fatalf("Stats: %v", err)
	}
	return st
}

// Finish waits until nothing is left to do, for so long at most. What is left then
// the verdict calls stuck.
func (pl *Plant) Finish(within time.Duration) {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(within / 1000) {
		if st := pl.Stats(); st.Depth() == 0 && st.Running == 0 && st.Owing == 0 {
			return
		}
	}
}

// Calls is how many calls have reached the store.
func (pl *Plant) Calls() int { return int(pl.ledger.calls.Load()) }

// quiet formats what is logged, and drops it.
var quiet = slog.New(slog.NewTextHandler(nowhere{}, &slog.HandlerOptions{Level: slog.LevelDebug}))

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
