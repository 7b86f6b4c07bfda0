package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/leat-go/leat/examples/protectdb/shop"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
	"github.com/leat-go/leat/worker"
)

// small is the name that every queue before this database shares: its cap is of all of
// them together.
const small = "the small database"

// api takes orders at once, whatever the database is doing. A client that says the
// same again, because it heard no answer, gets the same job.
func api(q *queue.Queue[shop.Order, queue.None]) http.Handler {
	h := endpoint.New(q)
	h.Authorize = func(r *http.Request) (string, error) { return r.Header.Get("Customer"), nil } // yours asks a session
	h.RequireKey = true
	h.Options = func(*http.Request, shop.Order) []queue.Option { return []queue.Option{queue.Uses(small)} }
	return h
}

// clerk places the orders. It may run so many at a time as it likes: the cap on the
// database, 0 = none, holds for all workers that share the store, in whichever process.
func clerk(q *queue.Queue[shop.Order, queue.None], s *shop.Shop, most int) *worker.Worker[shop.Order, queue.None] {
	w := worker.New(q, worker.NoResult(func(ctx context.Context, job *queue.Job[shop.Order]) error {
		err := s.Place(ctx, job.ID, job.Args)
		switch {
		case errors.Is(err, shop.ErrNoProduct):
			return worker.Permanent(err) // poison: no repetition mends it
		case errors.Is(err, shop.ErrTooMany):
			return worker.RetryAfter(time.Second, err)
		}
		return err
	}))
	w.Concurrency = 16
	w.Logger = slog.New(slog.DiscardHandler) // poison is told of below; yours logs it
	w.Resources = []queue.Resource{{Name: small, Cap: queue.Cap{InFlight: most}}}
	return w
}
