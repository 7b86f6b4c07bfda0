package push_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/push"
)

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
