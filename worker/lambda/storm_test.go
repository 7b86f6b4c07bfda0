package lambda_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// invocations is how many the storm has in all: 200 if tests are to be short, or
// LEAT_INVOCATIONS.
func invocations() int {
	if n, err := strconv.Atoi(os.Getenv("LEAT_INVOCATIONS")); err == nil {
		return n
	}
	if testing.Short() {
		return 200
	}
	return 1000
}

// A thousand invocations with random timeouts, processes that are gone in the middle
// of a call, panics, slow handlers, events that are delivered twice, and servers that
// fail: nothing is lost, no effect is recorded twice, and what is reported is exactly
// what must come again.
func TestStorm_NothingIsLostOrDoubled(t *testing.T) {
	const seeds = 8
	total := &tally{}
	for seed := range uint64(seeds) {
		name := [...]string{"jobs", "jobs.fifo"}[seed%2]
		t.Run(fmt.Sprintf("%s %d", name, seed), func(t *testing.T) {
			play(t, name, func(s *stage) {
				st := &storm{
					stage: s, rand: rand.New(rand.NewPCG(seed, 17)), tally: total,
					faults: seed/2%2 == 1, fifo: seed%2 == 1, written: map[queue.Ref]map[int]bool{}, held: map[string]holding{},
				}
				s.source.Reports = seed/4%2 == 0
				st.run((invocations() + seeds - 1) / seeds)
			})
		})
	}
	t.Logf("%d invocations, %d gone, %d doubled; %d messages, %d reported", total.invocations, total.gone, total.doubled, total.messages, total.reported)
	if total.invocations < invocations() || total.gone == 0 || total.doubled == 0 || total.reported == 0 {
		t.Error("the storm was none")
	}
}

type tally struct{ invocations, gone, doubled, messages, reported int }

// tenants are as many groups of a FIFO queue.
const tenants = 20

func tenant(job int) string { return fmt.Sprint("tenant ", job%tenants) }

type storm struct {
	*stage
	*tally
	faults bool
	fifo   bool
	first  int // jobs that were there, in order, before the storm

	mu      sync.Mutex
	rand    *rand.Rand
	refs    []queue.Ref
	held    map[string]holding
	written map[queue.Ref]map[int]bool // the results whose success was told, by token
}

func (st *storm) n(below int) int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.rand.IntN(below)
}

func (st *storm) count(f func(*tally)) {
	st.mu.Lock()
	defer st.mu.Unlock()
	f(st.tally)
}

// handle is a handler in bad weather: sooner or later every job succeeds, but for
// each tenth, which is poison.
func (st *storm) handle(ctx context.Context, j *job) (int, error) {
	st.inOrder(j.Args)
	dice := st.n(100)
	if j.Attempt > 8 {
		dice = 50
	}
	switch {
	case dice < 8:
		panic("poof")
	case dice < 12:
		runtime.Goexit()
	case dice < 25:
		return 0, errBad
	case dice < 30: // it doesn't listen
		time.Sleep(time.Duration(st.n(40)) * time.Second)
	default:
		select {
		case <-time.After(time.Duration(st.n(12_000)) * time.Millisecond):
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	if j.Args%10 == 9 {
		return 0, worker.Permanent(errBad)
	}
	return int(j.Token), nil
}

func (st *storm) worker(q *queue.Queue[int, int]) *worker.Worker[int, int] {
	q.MaxAttempts, q.MaxCrashes = 30, 100
	w := worker.New(q, st.handle)
	w.Concurrency = 1 + st.n(5)
	w.AfterSuccess = func(_ context.Context, j *job, token int) error {
		st.mu.Lock()
		defer st.mu.Unlock()
		if st.written[j.Ref()] == nil {
			st.written[j.Ref()] = map[int]bool{}
		}
		st.written[j.Ref()][token] = true
		if st.rand.IntN(20) == 0 {
			return errBad
		}
		return nil
	}
	return w
}

// inOrder holds a FIFO queue to its order: a job begins when the one before it in its
// group is over, and its message gone.
// fault breaks one call in fifty.
func (st *storm) fault(action string) sqstest.Fault {
	if action == "GetQueueAttributes" || action == "ReceiveMessage" || st.n(50) > 0 {
		return sqstest.None
	}
	return [...]sqstest.Fault{sqstest.Unavailable, sqstest.DropReply, sqstest.Throttled}[st.n(3)]
}

// run has four pollers bring so many events, and then as many as it takes.
func (st *storm) run(n int) {
	st.source.Wait = 1
	st.server.Queue(path.Base(st.url), map[string]string{"VisibilityTimeout": "60"})
	for st.first = 0; st.first < 2*n; st.first++ {
		st.refs = append(st.refs, st.enqueue(tenant(st.first), st.first)...)
	}
	if st.faults {
		st.server.Fault = st.fault
	}
	var pollers sync.WaitGroup
	begun := time.Now()
	for range 4 {
		pollers.Go(func() {
			for left := n / 4; left > 0 || st.server.Depth(st.url) > 0; {
				if st.server.Depth(st.url) == 0 {
					st.more()
				}
				if st.turn() {
					left--
				}
				if time.Since(begun) > 100*time.Hour {
					st.Errorf("%d messages are still there", st.server.Depth(st.url))
					return
				}
			}
		})
	}
	pollers.Wait()
	st.server.Fault = nil
	st.verify()
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// more enqueues some.
func (st *storm) more() {
	for range 20 {
		st.mu.Lock()
		i := len(st.refs)
		st.refs = append(st.refs, queue.Ref{})
		st.mu.Unlock()
		for {
			t, err := st.q.Enqueue(st.Context(), i, queue.Tenant(tenant(i)), queue.Key(fmt.Sprint("job ", i)))
			if err == nil {
				st.mu.Lock()
				st.refs[i] = t.Ref
				st.mu.Unlock()
				break
			}
		}
	}
}

// turn is one event: in a process that may go, of a function that may be slow, and
// sometimes in two processes.
func (st *storm) turn() bool {
	source := *st.source
	source.Batch = 1 + st.n(10)
	e, err := source.Next(st.Context())
	if err != nil || len(e.Records) == 0 {
		return false
	}
	twice := st.n(20) == 0
	var both sync.WaitGroup
	for range 1 + boolean(twice) {
		both.Go(func() { st.invocation(e) })
	}
	both.Wait()
	st.count(func(t *tally) { t.doubled += boolean(twice) })
	return true
}

func (st *storm) invocation(e events.SQSEvent) {
	calls := int64(forEver)
	if st.n(5) == 0 {
		calls = int64(1 + st.n(5*len(e.Records)))
	}
	fn, p := st.mortal(calls, st.worker)
	limit := time.Duration(3+st.n(37)) * time.Second
	shared := st.holds(e)
	begun := time.Now()
	out, err, alive := p.crash(st.stage, fn, e, limit)
	unclear := shared()
	st.count(func(t *tally) {
		t.invocations++
		t.gone += boolean(!alive)
		t.messages += len(e.Records)
		t.reported += len(out.BatchItemFailures)
	})
	if !alive {
		return
	}
	if d := time.Since(begun); d >= limit {
		st.Errorf("an invocation took %v of %v", d, limit)
	}
	st.exact(e, out, err, unclear)
	_ = st.source.Settle(st.Context(), e, out, err) // what fails comes again
}

// holding is who has a message: an event that came twice leaves it visible while
// another has it.
// holds begins to hold the messages of an event. When it ends it tells of which it
// isn't clear whether they should come again: their job was over before, and nobody
// may have had the time to look, or another invocation had them as well.
// exact holds what an invocation answered against the records.
// over reports whether nobody needs the message any more.
// verify holds the end of the storm against what went in.
