package worker_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// probed asks a probe, and is what it said.
func probed(h http.Handler, method, path string) (int, string) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
	return rec.Code, rec.Body.String()
}

// expectProbe asks under several paths: a handler may be mounted anywhere.
func expectProbe(t *testing.T, h http.Handler, name string, code int, body string) {
	t.Helper()
	for _, path := range []string{"/", "/healthz/", "/a/b/"} {
		gotCode, gotBody := probed(h, http.MethodGet, path+name)
		if gotCode != code || gotBody != body {
			t.Errorf("after %v %s%s: %d %q, want %d %q", since(), path, name, gotCode, gotBody, code, body)
		}
	}
}

func TestProbesFollowTheLifeOfAWorker(t *testing.T) {
	play(t, func(s *scene) {
		w := s.worker(waits(time.Minute))
		h := worker.Probes(w)
		expectProbe(t, h, "live", 200, "idle\n")
		expectProbe(t, h, "ready", 503, "idle\n")
		sh := s.start(w)
		expectProbe(t, h, "live", 200, "working\n")
		expectProbe(t, h, "ready", 200, "working\n")
		s.enqueue(1)
		pass(50 * time.Second)
		sh.stop()
		pass(time.Second)
		expectProbe(t, h, "live", 200, "draining\n")
		expectProbe(t, h, "ready", 503, "draining\n")
		match(s, sh.wait(), nil)
		expectProbe(t, h, "live", 200, "stopped\n")
		expectProbe(t, h, "ready", 503, "stopped\n")
	})
}

func TestProbesNameTheProblems(t *testing.T) {
	play(t, func(s *scene) {
		well := s.worker(answer)
		q, way := s.q, backendtest.NewFaulty(s.store)
		s.q = queue.New[ask, int](way, "answers")
		ill := s.worker(answer)
		s.q = q
		s.start(well)
		s.start(ill)
		way.Inject(backendtest.Fault{Verb: backendtest.Claim})
		pass(3 * time.Minute)
		h := worker.Probes(well, ill)
		_, body := probed(h, http.MethodGet, "/ready")
		if lines := strings.Split(body, "\n"); len(lines) != 4 || lines[0] != "working" || lines[1] != "working" || !strings.HasPrefix(lines[2], "no answer to a claim for 2m") {
			t.Errorf("body %q", body)
		}
		if code, _ := probed(h, http.MethodGet, "/live"); code != 200 {
			t.Errorf("live: %d", code)
		}
	})
}

// Not live is only what a restart would mend: no slot is left.
func TestProbesAskForARestartWhenNoSlotIsLeft(t *testing.T) {
	play(t, func(s *scene) {
		free := make(chan struct{})
		defer close(free)
		w := s.worker(func(context.Context, *queue.Job[ask]) (int, error) {
			<-free
			return 0, nil
		})
		w.Concurrency, w.RunLimit = 2, time.Minute
		s.start(w)
		h := worker.Probes(w)
		s.enqueue(1)
		pass(2 * time.Minute)
		expectProbe(t, h, "live", 200, "working\n1 handlers don't return\n")
		expectProbe(t, h, "ready", 503, "working\n1 handlers don't return\n")
		s.enqueue(2)
		pass(2 * time.Minute)
		expectProbe(t, h, "live", 503, "working\n2 handlers don't return\n")
	})
}

func TestProbesAnswerNothingElse(t *testing.T) {
	h := worker.Probes()
	for request, want := range map[string]int{
		"GET /live": 200, "HEAD /ready": 200, "POST /live": 405, "GET /": 404, "GET /lively": 404, "GET /live/x": 404,
	} {
		method, path, _ := strings.Cut(request, " ")
		if code, _ := probed(h, method, path); code != want {
			t.Errorf("%s: %d, want %d", request, code, want)
		}
	}
}
