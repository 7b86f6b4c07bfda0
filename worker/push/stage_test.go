package push_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/push"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type job = queue.Job[int]

type outbox struct {
	broker.Transport
	mu   sync.Mutex
	sent []broker.Message
}

func (o *outbox) Features() broker.TransportFeatures {
	return broker.TransportFeatures{Name: "topic", Durability: backends.Replicated, MaxMessage: 1 << 20}
}

func (o *outbox) Send(_ context.Context, ms []broker.Message) ([]error, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, ms...)
	return nil, nil
}

func (o *outbox) Close() error { return nil }

type stage struct {
	*testing.T
	topic *outbox
	store *broker.Backend
	q     *queue.Queue[int, int]
	h     *push.Handler
}

func play(t *testing.T, f worker.Handler[int, int], story func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{T: t, topic: &outbox{}}
		source := push.NewSource(s.topic)
		s.store = broker.New(source, backendtest.NewShelf(), broker.Options{Logger: slog.New(slog.DiscardHandler)})
		defer s.store.Close()
		s.q = queue.New[int, int](s.store, "jobs")
		w := worker.New(s.q, f)
		w.Logger = slog.New(slog.DiscardHandler)
		s.h = push.New(source, w)
		s.h.Verify = func(*http.Request) error { return nil }
		s.h.Logger = w.Logger
		story(s)
	})
}

func pubsub(id string, data []byte) string {
	return fmt.Sprintf(`{"message":{"data":%q,"messageId":%q,"message_id":%q,"publishTime":%q,"attributes":{"k":"v"}},"subscription":"projects/p/subscriptions/s","deliveryAttempt":1}`,
		base64.StdEncoding.EncodeToString(data), id, id, time.Now().UTC().Format(time.RFC3339))
}

func (s *stage) post(body string, headers ...string) *httptest.ResponseRecorder {
	s.Helper()
	return s.serve(s.Context(), body, headers...)
}

func (s *stage) serve(ctx context.Context, body string, headers ...string) *httptest.ResponseRecorder {
	s.Helper()
	r := httptest.NewRequest(http.MethodPost, "/push", strings.NewReader(body)).WithContext(ctx)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return w
}

func (s *stage) answers(w *httptest.ResponseRecorder, status int, retryAfter string) {
	s.Helper()
	if got := w.Header().Get("Retry-After"); w.Code != status || got != retryAfter {
		s.Errorf("answered %d, Retry-After %q, want %d and %q", w.Code, got, status, retryAfter)
	}
}

func (s *stage) enqueue(n int) (queue.Ref, []byte) {
	s.Helper()
	ticket, err := s.q.Enqueue(s.Context(), n)
	if err != nil {
		s.Fatal(err)
	}
	return ticket.Ref, s.topic.sent[len(s.topic.sent)-1].Body
}

func (s *stage) is(ref queue.Ref, state queue.State, attempt int) {
	s.Helper()
	r, err := s.store.Lookup(s.Context(), ref, 0)
	if err != nil || r.State != state || r.Attempt != attempt {
		s.Errorf("%+v, %v, want %v after attempt %d", r, err, state, attempt)
	}
}

var errBad = errors.New("bad")
