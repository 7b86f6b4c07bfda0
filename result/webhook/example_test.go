package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/webhook"
	"github.com/leat-go/leat/worker"
)

// A partner hears that its job has ended: the queue announces, the delivery queue
// delivers, and the partner's server verifies.
func Example() {
	secret := webhook.NewSecret() // shown to the partner once, by secret.Reveal()

	// The partner's side.
	heard := make(chan webhook.Message, 1)
	seen := map[string]bool{} // a real receiver keeps these in its database
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil || webhook.Verify(r.Header, body, time.Now(), secret) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var m webhook.Message
		if id := r.Header.Get("webhook-id"); !seen[id] && json.Unmarshal(body, &m) == nil {
			seen[id] = true
			heard <- m
		}
	}))
	defer receiver.Close()

	// Ours.
	backend := memory.New(memory.Options{})
	defer backend.Close()
	deliveries := webhook.Recommend(queue.New[webhook.Delivery, queue.None](backend, "webhooks"))
	q := queue.New[int, int](backend, "whatif")
	q.Announce = &webhook.Announcer{Queue: deliveries, Targets: func(context.Context, *queue.Event) ([]string, error) {
		return []string{"portal"}, nil // what e.Ref.Tenant has registered for e.State
	}}
	sender := &webhook.Sender{
		Lookup: func(_ context.Context, tenant, target string) (webhook.Endpoint, error) {
			if tenant != "zeta" || target != "portal" {
				return webhook.Endpoint{}, webhook.ErrUnsubscribed
			}
			return webhook.Endpoint{URL: receiver.URL + "/hooks", Secrets: []webhook.Secret{secret}}, nil
		},
		AllowHTTP: true, // as no real one should
		AllowAddr: func(a netip.AddrPort) bool { return a.Addr().IsLoopback() },
	}
	defer sender.CloseIdleConnections()
	double := func(_ context.Context, job *queue.Job[int]) (int, error) { return 2 * job.Args, nil }

	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error)
	go func() { over <- worker.Run(ctx, worker.New(q, double), sender.Worker(deliveries)) }()
	ticket, err := q.Enqueue(ctx, 21, queue.Tenant("zeta"))
	if err != nil {
		panic(err)
	}
	m := <-heard
	fmt.Println(m.Type, m.Data.Tenant, m.Data.ID == ticket.ID)
	stop()
	fmt.Println(<-over)
	// Output:
	// job.succeeded zeta true
	// <nil>
}
