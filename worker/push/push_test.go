package push_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/push"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type job = queue.Job[int]

// outbox is a topic: what is sent to it is pushed by nobody.
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

// stage is a Handler on a queue with records, in virtual time.
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

// pubsub is the body of a push, as Pub/Sub sends it.
func pubsub(id string, data []byte) string {
	return fmt.Sprintf(`{"message":{"data":%q,"messageId":%q,"message_id":%q,"publishTime":%q,"attributes":{"k":"v"}},"subscription":"projects/p/subscriptions/s","deliveryAttempt":1}`,
		base64.StdEncoding.EncodeToString(data), id, id, time.Now().UTC().Format(time.RFC3339))
}

// post serves one request; headers are in pairs.
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

// enqueue is a job of ours, and the body by which it is pushed.
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

func double(_ context.Context, j *job) (int, error) { return 2 * j.Args, nil }

func TestJobIsAckedWhenItIsSettled(t *testing.T) {
	play(t, double, func(s *stage) {
		ref, body := s.enqueue(21)
		s.answers(s.post(pubsub("1", body)), http.StatusNoContent, "")
		s.is(ref, queue.Succeeded, 1)
		s.answers(s.post(pubsub("1", body)), http.StatusNoContent, "") // R7: no handler runs
		s.is(ref, queue.Succeeded, 1)
	})
}

func TestPlainPostIsAJob(t *testing.T) {
	var mu sync.Mutex
	var seen []int
	play(t, func(_ context.Context, j *job) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, j.Args)
		return 0, nil
	}, func(s *stage) {
		ref, body := s.enqueue(1)
		s.answers(s.post(string(body), "Message-Id", "a"), http.StatusNoContent, "")
		s.is(ref, queue.Succeeded, 1)
		s.answers(s.post("2", "Message-Id", "b"), http.StatusNoContent, "")
		s.answers(s.post("2", "Idempotency-Key", "b"), http.StatusNoContent, "") // the same
		s.answers(s.post("3"), http.StatusNoContent, "")
		s.answers(s.post("3"), http.StatusNoContent, "") // another
		s.answers(s.post(pubsub("c", []byte("4"))), http.StatusNoContent, "")
		if fmt.Sprint(seen) != "[1 2 3 3 4]" {
			s.Errorf("ran %v", seen)
		}
	})
}

// R9: a failed attempt comes again when its delay is over, and not before.
func TestRule_R9_RetryAfterSaysWhen(t *testing.T) {
	play(t, func(_ context.Context, j *job) (int, error) {
		if j.Attempt == 1 {
			return 0, worker.RetryAfter(90*time.Second, errBad)
		}
		return 1, nil
	}, func(s *stage) {
		ref, body := s.enqueue(1)
		s.answers(s.post(pubsub("1", body)), http.StatusServiceUnavailable, "90")
		time.Sleep(30 * time.Second)
		s.answers(s.post(pubsub("1", body)), http.StatusServiceUnavailable, "60")
		s.is(ref, queue.Waiting, 1)
		time.Sleep(60 * time.Second)
		s.answers(s.post(pubsub("1", body)), http.StatusNoContent, "")
		s.is(ref, queue.Succeeded, 2)
	})
}

func TestPanicGoexitAndPoison(t *testing.T) {
	play(t, func(_ context.Context, j *job) (int, error) {
		switch j.Args {
		case 1:
			panic("poof")
		case 2:
			runtime.Goexit()
		}
		return 0, worker.Permanent(errBad)
	}, func(s *stage) {
		for n, want := range map[int]int{1: http.StatusServiceUnavailable, 2: http.StatusServiceUnavailable, 3: http.StatusNoContent} {
			_, body := s.enqueue(n)
			if w := s.post(pubsub(fmt.Sprint(n), body)); w.Code != want {
				s.Errorf("%d: %d", n, w.Code)
			}
		}
		s.answers(s.post("not a number", "Message-Id", "x"), http.StatusNoContent, "") // a dead letter
	})
}

// Nobody posts here who isn't verified, and nobody is who can't be.
func TestVerifyIsRequired(t *testing.T) {
	token := push.Bearer(func(_ context.Context, token string) error {
		switch token {
		case "good":
			return nil
		case "panic":
			panic("poof")
		}
		return errBad
	})
	for name, c := range map[string]struct {
		verify func(*http.Request) error
		auth   string
		want   int
	}{
		"nothing is set": {nil, "Bearer good", http.StatusForbidden},
		"no token":       {token, "", http.StatusUnauthorized},
		"other scheme":   {token, "Basic good", http.StatusUnauthorized},
		"empty token":    {token, "Bearer ", http.StatusUnauthorized},
		"bad token":      {token, "Bearer bad", http.StatusForbidden},
		"panic":          {token, "Bearer panic", http.StatusForbidden},
		"good token":     {token, "bearer good", http.StatusNoContent},
	} {
		t.Run(name, func(t *testing.T) {
			ran := false
			play(t, func(context.Context, *job) (int, error) { ran = true; return 0, nil }, func(s *stage) {
				s.h.Verify = c.verify
				w := s.post("1", "Authorization", c.auth)
				if w.Code != c.want || ran != (c.want == http.StatusNoContent) {
					s.Errorf("answered %d, ran %v", w.Code, ran)
				}
				if challenge := w.Header().Get("WWW-Authenticate"); (challenge != "") != (c.want == http.StatusUnauthorized) {
					s.Errorf("challenge %q", challenge)
				}
			})
		})
	}
}

func TestHostileRequests(t *testing.T) {
	play(t, double, func(s *stage) {
		s.h.MaxBody = 1000
		s.answers(s.post(strings.Repeat("1", 1001)), http.StatusRequestEntityTooLarge, "")
		s.answers(s.post(""), http.StatusBadRequest, "")
		r := httptest.NewRequest(http.MethodPost, "/push", io.MultiReader(strings.NewReader("1"), broken{}))
		w := httptest.NewRecorder()
		s.h.ServeHTTP(w, r)
		s.answers(w, http.StatusBadRequest, "")
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			w := httptest.NewRecorder()
			s.h.ServeHTTP(w, httptest.NewRequest(method, "/push", strings.NewReader("1")))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
				s.Errorf("%s: %d", method, w.Code)
			}
		}
		s.h.Format = push.PubSub
		for _, body := range []string{
			"1", "{}", `{"message":{}}`, `{"message":{"messageId":"1"}}`, `{"message":null,"subscription":"s"}`,
			`{"message":{"messageId":"1","data":"?"},"subscription":"s"}`, `[`,
		} {
			s.answers(s.post(body), http.StatusBadRequest, "")
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBad }

// hangs until its context ends.
func hangs(ctx context.Context, _ *job) (int, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

// R16: a request has its time, and what it could not do it gives back.
func TestRule_R16_RequestEndsInTime(t *testing.T) {
	for name, c := range map[string]struct {
		timeout, request, most time.Duration
	}{
		"the handler's timeout":  {30 * time.Second, 0, 30 * time.Second},
		"the default":            {0, 0, 10 * time.Second},
		"the request's deadline": {30 * time.Second, 5 * time.Second, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, hangs, func(s *stage) {
				s.h.Timeout = c.timeout
				ref, body := s.enqueue(1)
				ctx := s.Context()
				if c.request > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.request)
					defer cancel()
				}
				begun := time.Now()
				if w := s.serve(ctx, pubsub("1", body)); w.Code != http.StatusServiceUnavailable {
					s.Errorf("answered %d", w.Code)
				}
				if d := time.Since(begun); d >= c.most || d < c.most*8/10 {
					s.Errorf("took %v of %v", d, c.most)
				}
				s.is(ref, queue.Waiting, 1) // it had all the time
			})
		})
	}
}

// A sender that hangs up takes the job with it: no attempt is used.
func TestSenderThatHangsUp(t *testing.T) {
	play(t, hangs, func(s *stage) {
		s.h.Timeout = time.Minute
		ref, body := s.enqueue(1)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.Context()), time.Hour)
		time.AfterFunc(20*time.Second, cancel)
		if w := s.serve(ctx, pubsub("1", body)); w.Code != http.StatusServiceUnavailable {
			s.Errorf("answered %d", w.Code)
		}
		s.is(ref, queue.Waiting, 0)
	})
}

func TestHandlerThatNeverReturnsIsLeft(t *testing.T) {
	release := make(chan struct{})
	play(t, func(context.Context, *job) (int, error) { <-release; return 0, nil }, func(s *stage) {
		release = make(chan struct{})
		ref, body := s.enqueue(1)
		s.answers(s.post(pubsub("1", body)), http.StatusServiceUnavailable, "")
		s.is(ref, queue.Running, 1)
		close(release)
		synctest.Wait()
		s.answers(s.post(pubsub("1", body)), http.StatusNoContent, "") // it takes over
		s.is(ref, queue.Succeeded, 2)
	})
}

// As many requests run as may; a message that comes again while it runs waits.
func TestConcurrencyAndDuplicates(t *testing.T) {
	play(t, func(context.Context, *job) (int, error) { time.Sleep(5 * time.Second); return 0, nil }, func(s *stage) {
		s.h.Concurrency = 2
		done := make(chan int, 2)
		for _, id := range []string{"a", "b"} {
			go func() { done <- s.post("1", "Message-Id", id).Code }()
		}
		time.Sleep(time.Second)
		s.answers(s.post("1", "Message-Id", "c"), http.StatusTooManyRequests, "1")
		s.h.Concurrency = 3
		s.answers(s.post("1", "Message-Id", "a"), http.StatusTooManyRequests, "1")
		for range 2 {
			if code := <-done; code != http.StatusNoContent {
				s.Errorf("answered %d", code)
			}
		}
		s.answers(s.post("1", "Message-Id", "a"), http.StatusNoContent, "")
	})
}

func TestNothingIsLeftBetweenRequests(t *testing.T) {
	play(t, double, func(s *stage) {
		before := runtime.NumGoroutine()
		for i := range 3 {
			s.post("1", "Message-Id", fmt.Sprint(i))
			synctest.Wait()
			if n := runtime.NumGoroutine(); n != before {
				s.Errorf("%d goroutines, %d before", n, before)
			}
		}
	})
}

func TestProgramsFaultsAre500(t *testing.T) {
	play(t, double, func(s *stage) {
		s.h.Margin = time.Hour
		s.answers(s.post("1"), http.StatusInternalServerError, "")
		elsewhere := memory.New(memory.Options{})
		defer elsewhere.Close()
		verify := s.h.Verify
		s.h = push.New(push.NewSource(nil), worker.New(queue.New[int, int](elsewhere, "jobs"), double))
		s.h.Verify, s.h.Logger = verify, slog.New(slog.DiscardHandler)
		s.answers(s.post("1"), http.StatusInternalServerError, "")
	})
}

func TestWithoutASenderNothingIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := broker.New(push.NewSource(nil), backendtest.NewShelf(), broker.Options{Logger: slog.New(slog.DiscardHandler)})
		defer b.Close()
		if _, err := queue.New[int, int](b, "jobs").Enqueue(t.Context(), 1); err == nil {
			t.Error("enqueued")
		}
	})
}

// Over a socket: a body that doesn't come is given up.
func TestSlowBodyOverASocket(t *testing.T) {
	source := push.NewSource(nil)
	b := broker.New(source, backendtest.NewShelf(), broker.Options{})
	defer b.Close()
	h := push.New(source, worker.New(queue.New[int, int](b, "jobs"), double))
	h.Verify = func(*http.Request) error { return nil }
	h.ReadTimeout = 10 * time.Millisecond
	server := httptest.NewServer(h)
	defer server.Close()
	r, w := io.Pipe()
	defer w.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, r)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		return // the connection was closed: as good
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Error(resp.Status)
	}
}

func FuzzFormats(f *testing.F) {
	f.Add([]byte(pubsub("1", []byte("data"))), "")
	f.Add([]byte(`{"message":{"data":"e30=","messageId":"1"},"subscription":"s","deliveryAttempt":-1}`), "id")
	f.Add([]byte(`[]`), "")
	f.Fuzz(func(t *testing.T, body []byte, id string) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header["Message-Id"] = []string{id}
		m, err := push.Any(r, body)
		if (err != nil) != (len(body) == 0) {
			t.Errorf("%q: %v", body, err)
		}
		if m.Delivery < 0 || !json.Valid(body) && !bytes.Equal(m.Body, body) {
			t.Errorf("%+v", m)
		}
	})
}
