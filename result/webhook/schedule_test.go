package webhook

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestBackoffIsThatOfStandardWebhooks, with a jitter that only lengthens it.
func TestBackoffIsThatOfStandardWebhooks(t *testing.T) {
	total := time.Duration(0)
	for n := 1; n < Attempts; n++ {
		total += delays[n-1]
		for range 100 {
			if d := Backoff(n); d < delays[n-1] || d > delays[n-1]*6/5 {
				t.Errorf("after attempt %d: %v", n, d)
			}
		}
		if a, b := Backoff(n), Backoff(n); a == b {
			t.Errorf("after attempt %d twice %v", n, a)
		}
	}
	if total != 75*time.Hour+35*time.Minute+5*time.Second {
		t.Errorf("spans %v", total)
	}
	for _, n := range []int{-1, 0} {
		if d := Backoff(n); d > 6*time.Second {
			t.Errorf("attempt %d: %v", n, d)
		}
	}
	if d := Backoff(1 << 30); d < 24*time.Hour {
		t.Errorf("for ever: %v", d)
	}
}

func TestRecommendSetsWhatIsNotSet(t *testing.T) {
	q := queue.New[Delivery, queue.None](store(t), "webhooks")
	q.Tenant.Cap.Rate = 5
	if Recommend(q) != q || q.MaxAttempts != Attempts || q.Tenant.Cap != (queue.Cap{InFlight: PerTenant, Rate: 5}) {
		t.Errorf("%d attempts, %+v", q.MaxAttempts, q.Tenant)
	}
	q.MaxAttempts, q.Tenant.Cap.InFlight = 3, 1
	if Recommend(q); q.MaxAttempts != 3 || q.Tenant.Cap.InFlight != 1 {
		t.Errorf("%d attempts, %+v", q.MaxAttempts, q.Tenant)
	}
}

// TestADeliveryIsTriedForThreeDays, then it is a dead letter, and a redrive brings it.
func TestADeliveryIsTriedForThreeDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Time
		var ids []string
		well := false
		sender, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			at, ids = append(at, time.Now()), append(ids, r.Header.Get("webhook-id"))
			if !well {
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
		q := deliveries(store(t))
		start := time.Now()
		run(t, sender, q, func() {
			announced(t, q, ended("x.1"))
			time.Sleep(6 * 24 * time.Hour)
			mu.Lock()
			if span := at[len(at)-1].Sub(start); len(at) != Attempts || span < 75*time.Hour || span > 92*time.Hour {
				t.Errorf("%d attempts over %v", len(at), span)
			}
			well = true
			mu.Unlock()
			for r, err := range q.DeadLetters(t.Context()) {
				if err := errors.Join(err, q.Redrive(t.Context(), r)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
			mu.Lock()
			defer mu.Unlock()
			if len(at) != Attempts+1 || ids[Attempts] != ids[0] {
				t.Errorf("after the redrive: %d attempts, %v", len(at), ids)
			}
		})
	})
}

// TestRule_R11_ASlowTenantHoldsUpNobody: its receivers hang, and those of another
// hear of their events at once.
func TestRule_R11_ASlowTenantHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var late []time.Duration
		sender, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Host == "slow.example" {
				hangs(w, r)
				return
			}
			_, _ = io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			late = append(late, time.Since(start))
		})
		sender.Lookup = func(_ context.Context, tenant, _ string) (Endpoint, error) {
			return Endpoint{URL: "http://" + tenant + ".example/", Secrets: []Secret{shared}}, nil
		}
		q := deliveries(store(t))
		run(t, sender, q, func() {
			var events []queue.Event
			for n := range 1000 {
				e := ended(string(rune('a'+n%26)) + time.Duration(n).String())
				if e.Ref.Tenant = "slow"; n >= 990 {
					e.Ref.Tenant = "quick"
				}
				events = append(events, e)
			}
			announced(t, q, events...)
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			if len(late) != 10 {
				t.Errorf("%d of 10 within a second: %v", len(late), late)
			}
		})
	})
}

func announced(t *testing.T, q *queue.Queue[Delivery, queue.None], events ...queue.Event) {
	t.Helper()
	if errs := (&Announcer{Queue: q, Targets: to(target)}).Announce(t.Context(), events); errs != nil {
		t.Fatal(errs)
	}
}

// run has a worker deliver while something is done.
func run(t *testing.T, sender *Sender, q *queue.Queue[Delivery, queue.None], do func()) {
	t.Helper()
	w := sender.Worker(q)
	w.Logger = slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { over <- worker.Run(ctx, w) }()
	do()
	stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
}
