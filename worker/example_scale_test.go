package worker_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

func ExampleNewScale() {
	q := queue.New[int, queue.None](memory.New(memory.Options{}), "whatif")
	for n := range 1000 {
		if _, err := q.Enqueue(context.Background(), n); err != nil {
			fmt.Println(err)
		}
	}
	mux := http.NewServeMux()

	scale := worker.NewScale(q)
	scale.Slots = 16              // w.Concurrency of a replica
	scale.Takes = 2 * time.Second // S
	scale.Drain = time.Minute     // W: how long what is due may take
	mux.Handle("GET /scale/whatif", scale)
	defer scale.Measure(nil)() // the same as metrics

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest("GET", "/scale/whatif", nil))
	fmt.Println(answer.Code)
	load, err := scale.Load(context.Background())
	fmt.Println(load.Queued, load.Desired, err) // 1000 × 2 s / 60 s = 34 slots
	// Output:
	// 200
	// 1000 3 <nil>
}

// A handler that says when it was throttled, and a Limiter that listens.
func ExampleAIMD() {
	q := queue.New[int, queue.None](memory.New(memory.Options{}), "rows")
	w := worker.New(q, worker.NoResult(func(ctx context.Context, job *queue.Job[int]) error {
		err := insert(ctx, job.Args)
		if errors.Is(err, errTooManyConnections) {
			return worker.RetryAfter(time.Second, err)
		}
		return err
	}))
	w.Concurrency = 40               // never more
	w.Limiter = &worker.AIMD{Min: 2} // never less
	fmt.Println(w.Limiter.Limit())
	// Output: 2
}

var errTooManyConnections = errors.New("too many connections")

func insert(context.Context, int) error { return nil }

// A Limiter may follow one of another library, as adaptivelimiter of failsafe-go: how many
// is its word, and it learns by a Handler around the Handler.
func ExampleLimiter() {
	var l library
	w := worker.New(queue.New[int, queue.None](memory.New(memory.Options{}), "rows"), learning(&l, worker.NoResult(
		func(ctx context.Context, job *queue.Job[int]) error { return insert(ctx, job.Args) })))
	w.Limiter = adapter{&l}
	_, err := worker.Work(context.Background(), w, &queue.Job[int]{Args: 1})
	fmt.Println(w.Limiter.Limit(), l.records, err)
	// Output: 7 1 <nil>
}

// library stands for the limiter of another library.
type library struct{ records int }

func (l *library) Limit() int                         { return 7 }
func (l *library) TryAcquirePermit() (*library, bool) { return l, true }
func (l *library) Record()                            { l.records++ }
func (l *library) Drop()                              {}

type adapter struct{ *library }

func (adapter) Ended(worker.Outcome) time.Duration { return 0 }

func learning[T, R any](l *library, next worker.Handler[T, R]) worker.Handler[T, R] {
	return func(ctx context.Context, job *queue.Job[T]) (R, error) {
		permit, ok := l.TryAcquirePermit()
		if !ok { // the claim loop was a little ahead
			var none R
			return none, worker.Snooze(100 * time.Millisecond)
		}
		result, err := next(ctx, job)
		if err != nil {
			permit.Drop()
		} else {
			permit.Record()
		}
		return result, err
	}
}
