package sqs_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/internal/services"
)

// A worker on a server that others wrote, over a socket; and on the fake, over one.
func TestWorkerOverASocket(t *testing.T) {
	for name, at := range map[string]func(*testing.T) string{
		"fauxqs": func(t *testing.T) string { return services.URL(t, "LEAT_FAUXQS") },
		"fake": func(t *testing.T) string {
			h := httptest.NewServer(sqstest.New())
			t.Cleanup(h.Close)
			return h.URL
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stage{t, outside(t, at(t)), false}
			url := s.queue("", nil)
			tr, err := sqs.New(t.Context(), s.client, url, sqs.Options{EarlyAck: true, Wait: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			const n = 200
			p := &pair{t: t, shelf: backendtest.NewShelf()}
			p.Backend = broker.New(tr, p.shelf, broker.Options{})
			w := worksOn(p, 0)
			stop := w.start()
			w.enqueue(n) // a reply that is lost on the way comes again after the lease, 30 s
			for end := time.Now().Add(time.Minute); w.done() < n && time.Now().Before(end); {
				<-time.After(10 * time.Millisecond)
			}
			stop()
			w.close()
			w.once(n)
			s.at(url).nothing(1200 * time.Millisecond) // all are acked
		})
	}
}
