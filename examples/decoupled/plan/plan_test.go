package plan

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

func ask(products int) Question { return Question{Title: "t", Products: products, Level: 95} }

// job is the n-th attempt of a question.
func job(q Question, attempt int) *queue.Job[Question] {
	return &queue.Job[Question]{Args: q, Attempt: attempt}
}

func TestAPlanIsNeverDearerAndTheSameAgain(t *testing.T) {
	first, err := New().Plan(t.Context(), job(ask(8), 1))
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Items) != 8 || first.After > first.Before || first.After <= 0 {
		t.Errorf("%d products, %g instead of %g", len(first.Items), first.After, first.Before)
	}
	again, err := New().Plan(t.Context(), job(ask(8), 2))
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Error(err, diff)
	}
	whole, err := New().Plan(t.Context(), job(ask(MaxProducts), 1))
	if text, _ := json.Marshal(whole); err != nil || len(text) > 64<<10 {
		t.Errorf("a whole plan has %d bytes, more than stand beside a job: %v", len(text), err)
	}
}

// A higher service level loses fewer sales: a lost one costs more.
func TestTheServiceLevelIsACriticalRatio(t *testing.T) {
	low, high := Question{Level: 50}.lostSale(), Question{Level: 99}.lostSale()
	over := holding * 12.0 / 52
	if math.Abs(low-over) > 1e-12 || math.Abs(high/(high+over)-0.99) > 1e-12 || high > 10 {
		t.Errorf("%g, %g", low, high)
	}
}

func TestSuppliersAnswerAsTheyAre(t *testing.T) {
	q := ask(1)
	q.Supplier = "harbour"
	_, err := New().Plan(t.Context(), job(q, 1))
	if _, ok := errors.AsType[*worker.PermanentError](err); !ok || !strings.Contains(err.Error(), "closed") {
		t.Errorf("one that has closed: %v", err)
	}
	q.Supplier = "east"
	for attempt, busy := range map[int]bool{1: true, 2: true, 3: false, 4: false} {
		_, err := New().Plan(t.Context(), job(q, attempt))
		if e, ok := errors.AsType[*worker.RetryAfterError](err); ok != busy || ok && e.After != pause {
			t.Errorf("attempt %d: %v", attempt, err)
		}
	}
}

func TestQuestionsThatMakeNoSense(t *testing.T) {
	for want, spoil := range map[string]func(*Question){
		"title":         func(q *Question) { q.Title = "" },
		"title must":    func(q *Question) { q.Title = strings.Repeat("ü", MaxTitle+1) },
		"products":      func(q *Question) { q.Products = 0 },
		"products must": func(q *Question) { q.Products = MaxProducts + 1 },
		"level":         func(q *Question) { q.Level = math.NaN() },
		"level must":    func(q *Question) { q.Level = 49 },
		"within":        func(q *Question) { q.Within = math.Inf(1) },
		"within 0":      func(q *Question) { q.Within = -1 },
		"screen":        func(q *Question) { q.Screen = strings.Repeat("x", maxScreen+1) },
		"supplier":      func(q *Question) { q.Supplier = "nobody" },
	} {
		q := ask(1)
		spoil(&q)
		if err := q.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		_, err := New().Plan(t.Context(), job(q, 1))
		if _, ok := errors.AsType[*worker.PermanentError](err); !ok {
			t.Errorf("%s: the handler says %v", want, err)
		}
	}
	q := ask(MaxProducts)
	q.Title = strings.Repeat("ü", MaxTitle)
	if err := q.Check(); err != nil {
		t.Error(err)
	}
}

// A product takes its time, and stops taking it when the job is to end.
func TestAPlanStopsWhenItIsToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New()
		p.Pace, p.Parallel = time.Second, 2
		begun := time.Now()
		if _, err := p.Plan(t.Context(), job(ask(6), 1)); err != nil || time.Since(begun) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(1500*time.Millisecond, func() { cancel(queue.ErrCancelled) })
		begun = time.Now()
		if _, err := p.Plan(ctx, job(ask(6), 1)); !errors.Is(err, queue.ErrCancelled) || time.Since(begun) != 1500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// However long it waits for a worker: the deadline counts from the creation.
func TestTheDeadlineCountsFromTheCreation(t *testing.T) {
	store := memory.New(memory.Options{})
	defer store.Close()
	q := queue.New[Question, Answer](store, "plans")
	for within, want := range map[float64]time.Duration{0: Patience, 0.5: 500 * time.Millisecond, 1: time.Second, 3600: time.Hour} {
		question := ask(1)
		question.Within = within
		ticket, err := q.Enqueue(t.Context(), question, question.Options()...)
		if err != nil {
			t.Fatal(err)
		}
		s, err := result.Lookup(t.Context(), q, ticket.Ref)
		if err != nil || s.Deadline.Sub(s.Created) != want {
			t.Errorf("within %g s: %v, %v", within, s.Deadline.Sub(s.Created), err)
		}
	}
}
