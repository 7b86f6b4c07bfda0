package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

// What the store leaves unknown is asked again with the same id, so that the job
// is there once, whether a request or a reply was lost.
func TestEnqueueAsksAgainForTheSameJob(t *testing.T) {
	for _, when := range []backendtest.Moment{backendtest.Before, backendtest.After} {
		for n := 1; n <= 3; n++ {
			for _, key := range []string{"", "req-42"} {
				t.Run(fmt.Sprintf("moment %d, %d times, key %q", when, n, key), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						b := store()
						seen := &spy{Backend: backendtest.NewFaulty(b, backendtest.Fault{
							Verb: backendtest.Enqueue, When: when, Rate: backendtest.Times(n),
						})}
						start := time.Now()
						ticket := enqueue(t, newWhatIf(seen), ask, queue.Tenant("zeta"), queue.Key(key))
						if took := time.Since(start); took < 50*time.Millisecond || took > 2100*time.Millisecond {
							t.Errorf("took %v", took)
						}
						for _, call := range seen.calls {
							if call.Jobs[0].Ref != ticket.Ref {
								t.Errorf("asked for %v, the ticket says %v", call.Jobs[0].Ref, ticket.Ref)
							}
						}
						if len(seen.calls) != n+1 {
							t.Errorf("%d calls, want %d", len(seen.calls), n+1)
						}
						queued(t, newWhatIf(b), 1)
					})
				})
			}
		}
	}
}

// It gives up in the end. The Ticket then has the Ref to look, and the error the
// store's reason.
func TestEnqueueGivesUp(t *testing.T) {
	for when, exists := range map[backendtest.Moment]int{backendtest.Before: 0, backendtest.After: 1} {
		synctest.Test(t, func(t *testing.T) {
			b := store()
			seen := &spy{Backend: backendtest.NewFaulty(b, backendtest.Fault{Verb: backendtest.Enqueue, When: when})}
			ticket, err := newWhatIf(seen).Enqueue(t.Context(), ask, queue.Key("req-42"))
			matches(t, "gives up", err, backendtest.ErrInjected)
			if want := "queue: enqueue: injected fault"; err.Error() != want {
				t.Errorf("error %q, want %q", err, want)
			}
			if seen.count() != 4 || ticket.ID != seen.calls[0].Jobs[0].ID {
				t.Errorf("%d calls, ticket %+v", seen.count(), ticket)
			}
			q := newWhatIf(b)
			queued(t, q, exists)
			again := enqueue(t, q, ask, queue.Key("req-42"))
			if again.Ref != ticket.Ref || again.Duplicate != (exists == 1) {
				t.Errorf("the caller's own repetition: %+v, not %+v", again, ticket)
			}
			queued(t, q, 1)
		})
	}
}

// An error that says for sure that nothing was created, or won't be, is the
// answer at once, as it is.
func TestEnqueueNeverRepeatsARefusal(t *testing.T) {
	for _, refusal := range []error{
		queue.ErrInvalid, &queue.InvalidError{Field: "Job", Reason: "is odd"}, queue.ErrTooLarge, queue.ErrKeyReused,
		queue.ErrBacklogFull, queue.ErrEnded, queue.ErrNotFound, backends.ErrSealed, errors.ErrUnsupported, queue.ErrClosed,
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			whole := &spy{Backend: backendtest.NewFaulty(store(), backendtest.Fault{Verb: backendtest.Enqueue, Err: refusal})}
			ticket, err := newWhatIf(whole).Enqueue(t.Context(), ask)
			matches(t, "of the call", err, refusal)
			if whole.count() != 1 || ticket.ID == "" {
				t.Errorf("%v: %d calls, ticket %+v", refusal, whole.count(), ticket)
			}

			item := &spy{Backend: &answers{Backend: store(), change: func(_ int, out []backends.Enqueued) ([]backends.Enqueued, error) {
				out[0].Err = fmt.Errorf("item: %w", refusal)
				return out, nil
			}}}
			_, err = newWhatIf(item).Enqueue(t.Context(), ask)
			matches(t, "of the item", err, refusal)
			if item.count() != 1 {
				t.Errorf("%v: %d calls", refusal, item.count())
			}
			if took := time.Since(start); took != 0 {
				t.Errorf("%v: took %v", refusal, took)
			}
		})
	}
}

// An item whose error is none of the contract's is unknown, as a call's is.
func TestEnqueueAsksAgainForAnUnknownItem(t *testing.T) {
	odd := errors.New("disk I/O error")
	for n, want := range map[int]error{1: nil, 3: nil, 4: odd} {
		synctest.Test(t, func(t *testing.T) {
			b := &answers{Backend: store(), change: func(call int, out []backends.Enqueued) ([]backends.Enqueued, error) {
				if call <= n {
					out[0].Err = odd
				}
				return out, nil
			}}
			ticket, err := newWhatIf(b).Enqueue(t.Context(), ask)
			if want == nil {
				matches(t, "unknown at first", err)
			} else {
				matches(t, "unknown to the end", err, want)
			}
			if b.calls != min(n+1, 4) || ticket.Duplicate {
				t.Errorf("unknown %d times: %d calls, %+v", n, b.calls, ticket)
			}
			queued(t, newWhatIf(b.Backend), 1)
		})
	}
}

// A backend that answers for too few jobs, or too many, has acknowledged none.
func TestEnqueueTrustsNoAnswerOfAnotherLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, change := range []func(int, []backends.Enqueued) ([]backends.Enqueued, error){
			func(int, []backends.Enqueued) ([]backends.Enqueued, error) { return nil, nil },
			func(_ int, out []backends.Enqueued) ([]backends.Enqueued, error) { return append(out, out...), nil },
		} {
			_, err := newWhatIf(&answers{Backend: store(), change: change}).Enqueue(t.Context(), ask)
			if err == nil {
				t.Error("acknowledged")
			}
		}
	})
}

func TestEnqueueEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faulty := backendtest.NewFaulty(store(), backendtest.Fault{Verb: backendtest.Enqueue})
		q := newWhatIf(faulty)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		start := time.Now()
		ticket, err := q.Enqueue(ctx, ask)
		matches(t, "between two tries", err, backendtest.ErrInjected, context.DeadlineExceeded)
		if took := time.Since(start); took != 200*time.Millisecond || ticket.ID == "" {
			t.Errorf("took %v, ticket %+v", took, ticket)
		}

		faulty.Lift()
		_, err = q.Enqueue(ctx, ask)
		matches(t, "ended before", err, context.DeadlineExceeded)
		if want := "queue: enqueue: context deadline exceeded"; err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}

		faulty.Inject(backendtest.Fault{Verb: backendtest.Enqueue, Kind: backendtest.Delay, Delay: time.Hour})
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		_, err = q.Enqueue(ctx, ask)
		matches(t, "inside the backend", err, context.Canceled)
		queued(t, newWhatIf(faulty.Backend), 0)
	})
}

// Where one call in three goes wrong, before or after its effect, what was
// acknowledged is there, and nothing is there twice.
func TestRule_R3_ScatteredFaultsLoseAndDoubleNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 300
		b := store()
		q := newWhatIf(backendtest.NewFaulty(featured{b, func(f *backends.Features) { f.MaxBatch = 3 }},
			backendtest.Fault{Verb: backendtest.Enqueue, Rate: backendtest.Share(0.2, 1)},
			backendtest.Fault{Verb: backendtest.Enqueue, When: backendtest.After, Rate: backendtest.Share(0.2, 2)},
			backendtest.Fault{Verb: backendtest.Enqueue, Kind: backendtest.Repeat, Rate: backendtest.Share(0.1, 3)},
		))
		out, _ := q.EnqueueAll(t.Context(), items(n))
		acknowledged, there := 0, map[string]bool{}
		for r, err := range newWhatIf(b).Jobs(t.Context(), queue.Filter{}) {
			matches(t, "list", err)
			there[r.Job.ID] = true
		}
		for _, o := range out {
			if o.Err == nil {
				acknowledged++
			}
			if o.Err == nil && !there[o.ID] {
				t.Errorf("lost: %+v", o)
			}
			delete(there, o.ID)
		}
		if len(there) != 0 || acknowledged < n*9/10 {
			t.Errorf("%d acknowledged, %d that nobody has a ticket of", acknowledged, len(there))
		}
	})
}

// A time-out that isn't the caller's is one of the store's errors.
func TestEnqueueOutlivesATimeoutOfTheDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newWhatIf(backendtest.NewFaulty(store(), backendtest.Fault{
			Verb: backendtest.Enqueue, Rate: backendtest.Times(1), Err: context.DeadlineExceeded,
		}))
		enqueue(t, q, ask)
	})
}
