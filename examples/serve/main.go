// Command serve is a service in one process: a POST is answered with 202 at once,
// a worker computes, the caller comes back for the result, and SIGTERM drains it
// all.
//
//	go run ./examples/serve
//	curl -i -u zeta: -H 'Content-Type: application/json' -d '{"SKU":"22423"}' localhost:8080/jobs
//	curl -i -u zeta: localhost:8080/jobs/ID/result
//	curl -N -u zeta: localhost:8080/jobs/ID/events
//	curl -s -u zeta: localhost:8080/jobs/openapi.json
//	curl -i localhost:8080/health/ready
package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/leat-go/leat/backends/memory" // opens memory://
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
	"github.com/leat-go/leat/worker"
)

// Settings is what a caller asks for, Plan what it gets.
type (
	Settings struct{ SKU string }
	Plan     struct{ ReorderPoint, OrderQuantity int }
)

func optimise(ctx context.Context, job *queue.Job[Settings]) (Plan, error) {
	return Plan{ReorderPoint: 12, OrderQuantity: 40}, nil // your hour of computation
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l, err := net.Listen("tcp", "localhost:8080")
	if err == nil {
		err = serve(ctx, l)
	}
	if err != nil {
		log.Fatal("serve: ", err)
	}
}

// serve runs the service on l until ctx ends.
func serve(ctx context.Context, l net.Listener) error {
	q, err := queue.Open[Settings, Plan](ctx, "memory://?queue=whatif")
	if err != nil {
		return err
	}
	q.Backlog = 1000 // then 429
	w := worker.New(q, optimise)

	jobs := endpoint.New(q)
	jobs.Authorize, jobs.Validate = tenant, validate
	mux := http.NewServeMux()
	mux.Handle("/jobs", jobs)
	mux.Handle("/jobs/", jobs)
	mux.Handle("/health/", http.StripPrefix("/health", worker.Probes(w)))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	server.RegisterOnShutdown(jobs.Drain) // who waits comes back to another instance
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()

	// While the worker drains, callers may still look, and /health/ready says 503.
	err = worker.Run(ctx, w)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = errors.Join(err, server.Shutdown(last), q.Close())
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// tenant says whose request it is. Yours asks your session store, or reads a token.
func tenant(r *http.Request) (string, error) {
	user, _, ok := r.BasicAuth()
	if !ok {
		return "", &endpoint.Problem{Status: 401, Header: http.Header{"WWW-Authenticate": {"Basic"}}}
	}
	return user, nil
}

// validate refuses what decodes and makes no sense.
func validate(_ context.Context, tenant string, s Settings) error {
	if s.SKU == "" {
		return &endpoint.Problem{Detail: "SKU is missing."}
	}
	return nil
}
