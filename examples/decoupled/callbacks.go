package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/webhook"
)

// callbacks call a partner's server when a job has ended, through a queue of their own:
// who polls, waits or streams is a person, who is called is a program.
type callbacks struct {
	queue    *queue.Queue[webhook.Delivery, queue.None]
	sender   *webhook.Sender
	receiver *receiver
}

// newCallbacks opens a queue beside the one at rawURL, and a receiver.
func newCallbacks(ctx context.Context, rawURL string) (*callbacks, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("the URL of the queue can't be parsed")
	}
	params := u.Query()
	params.Set("queue", params.Get("queue")+"-callbacks")
	u.RawQuery = params.Encode()
	q, err := queue.Open[webhook.Delivery, queue.None](ctx, u.String())
	if err != nil {
		return nil, err
	}
	r, err := newReceiver()
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return &callbacks{webhook.Recommend(q), &webhook.Sender{
		Lookup: func(context.Context, string, string) (webhook.Endpoint, error) { // yours asks a table
			return webhook.Endpoint{URL: r.server.URL, Secrets: []webhook.Secret{r.secret}}, nil
		},
		AllowHTTP: true, // both only because the receiver is on this machine
		AllowAddr: func(a netip.AddrPort) bool { return a.Addr().IsLoopback() },
	}, r}, nil
}

// announcer is what the queue of questions announces its ends to.
func (c *callbacks) announcer() queue.Announcer {
	return &webhook.Announcer{Queue: c.queue, Targets: func(context.Context, *queue.Event) ([]string, error) {
		return []string{"partner"}, nil
	}}
}

// delivered waits until so many ends have been told.
func (c *callbacks) delivered(ctx context.Context, ends int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		n, more := c.receiver.told()
		if n >= ends {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *callbacks) close() error {
	c.sender.CloseIdleConnections()
	c.receiver.server.Close()
	return c.queue.Close()
}

// receiver is a partner's server. It verifies by the library of Standard Webhooks, which is
// not ours.
type receiver struct {
	server *httptest.Server
	secret webhook.Secret
	verify *standardwebhooks.Webhook

	mu     sync.Mutex
	calls  int
	forged int
	seen   map[string]bool // ids; a real one keeps them in its database
	more   chan struct{}   // closed at the next one
}

func newReceiver() (*receiver, error) {
	r := &receiver{secret: webhook.NewSecret(), seen: map[string]bool{}, more: make(chan struct{})}
	v, err := standardwebhooks.NewWebhook(r.secret.Reveal())
	if err != nil {
		return nil, err
	}
	r.verify = v
	r.server = httptest.NewServer(r)
	return r, nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 64<<10))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	switch {
	case err != nil || r.verify.Verify(body, req.Header) != nil:
		r.forged++
		w.WriteHeader(http.StatusUnauthorized)
	default:
		r.seen[req.Header.Get("webhook-id")] = true
		close(r.more)
		r.more = make(chan struct{})
	}
}

// told is how many ends it has heard of, and a channel that closes at the next.
func (r *receiver) told() (int, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen), r.more
}
