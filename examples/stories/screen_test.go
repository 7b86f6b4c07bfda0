package stories_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	_ "github.com/leat-go/leat/backends/broker/docrecords/memrecords" // opens memrecords://
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/backends/memory"
	_ "github.com/leat-go/leat/backends/sqlite" // opens sqlite://
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
	"github.com/leat-go/leat/worker"
)

// setups are those that hold what a screen asks for: newest, trailing, cancel.
var setups = map[string]func(t *testing.T) backends.Backend{
	"memory": func(*testing.T) backends.Backend { return memory.New(memory.Options{}) },
	"SQLite": func(t *testing.T) backends.Backend {
		b, err := backends.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "jobs.db"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	},
	"SQS and records": func(t *testing.T) backends.Backend {
		server := sqstest.New()
		tr, err := sqs.New(t.Context(), server.Client(), server.Queue("whatif", nil), sqs.Options{EarlyAck: true})
		if err != nil {
			t.Fatal(err)
		}
		records, err := broker.OpenRecords(t.Context(), "memrecords://")
		if err != nil {
			t.Fatal(err)
		}
		return broker.New(tr, records, broker.Options{})
	},
}

// change is one of a setting on a screen; answer is what came of it.
type (
	change struct{ Screen, Value string }
	answer struct{ Value string }
)

// screen is a browser before an endpoint, and a worker that takes ten seconds.
type screen struct {
	*testing.T
	h *endpoint.Handler[change, answer]

	mu     sync.Mutex
	began  map[string]time.Time // by value
	told   map[string]time.Time // that it is not to go on
	events []queue.Event
}

// inFront runs a scene of a screen on each setup, in virtual time. The option says what
// a newer change is to an older one.
func inFront(t *testing.T, option func(string) queue.Option, scene func(*screen)) {
	for name, open := range setups {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := open(t)
				defer b.Close()
				s := &screen{T: t, began: map[string]time.Time{}, told: map[string]time.Time{}}
				q := queue.New[change, answer](b, "whatif")
				q.Announce = s
				s.h = endpoint.New(q)
				s.h.Authorize = func(*http.Request) (string, error) { return "zeta", nil }
				s.h.Options = func(_ *http.Request, c change) []queue.Option { return []queue.Option{option(c.Screen)} }
				w := worker.New(q, s.optimise)
				w.Concurrency = 4
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- worker.Run(ctx, w) }()
				scene(s)
				stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func (s *screen) optimise(ctx context.Context, job *queue.Job[change]) (answer, error) {
	v := job.Args.Value
	s.note(s.began, v)
	for percent := range 100 {
		job.Progress(float64(percent), "searching")
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			s.note(s.told, v)
			return answer{}, context.Cause(ctx)
		}
	}
	return answer{v}, nil
}

func (s *screen) note(in map[string]time.Time, v string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := in[v]; !again {
		in[v] = time.Now()
	}
}

// at is when something was noted, zero if it wasn't.
func (s *screen) at(in map[string]time.Time, v string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return in[v]
}

// Announce takes what is published.
func (s *screen) Announce(_ context.Context, events []queue.Event) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, events...)
	return nil
}

// published counts events of each end; each is told apart by its id.
func (s *screen) published() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, n := map[string]bool{}, map[string]int{}
	for _, e := range s.events {
		if !seen[e.ID] {
			n[e.State.String()]++
		}
		seen[e.ID] = true
	}
	return n
}

func (s *screen) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(s.Context())
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return w
}

// change asks for a what-if, and returns where it is.
func (s *screen) change(value string) string {
	s.Helper()
	w := s.do("POST", "/jobs", fmt.Sprintf(`{"Screen":"9","Value":%q}`, value))
	if w.Code != 202 {
		s.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

// result waits for one: it, or the type of the problem and the newer job.
func (s *screen) result(self string) (value, newer string) {
	s.Helper()
	for range 10 {
		w := s.do("GET", self+"/result", "", "Prefer", "wait=20")
		if w.Code == 202 {
			continue
		}
		var body struct {
			Value, Type string
			Links       struct{ Newer string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			s.Errorf("%d %s: %v", w.Code, w.Body, err)
		}
		return body.Value + strings.TrimPrefix(body.Type, "urn:leat:problem:"), body.Links.Newer
	}
	s.Fatal("no end of ", self)
	return "", ""
}

// untilItRuns waits for a handler to begin.
func (s *screen) untilItRuns(value string) {
	for s.at(s.began, value).IsZero() {
		time.Sleep(10 * time.Millisecond)
	}
}

// Five quick what-ifs of one screen: one result is published, the others are superseded,
// and the handler of the one that ran is told within three seconds.
func TestRule_R13_FiveQuickWhatIfs(t *testing.T) {
	inFront(t, queue.Supersede, func(s *screen) {
		at := []string{s.change("1")}
		s.untilItRuns("1")
		asked := time.Now()
		for _, v := range []string{"2", "3", "4", "5"} {
			at = append(at, s.change(v))
		}
		for i, self := range at[:4] {
			what, newer := s.result(self)
			for range at { // a newer one may have been superseded in its turn
				if newer == at[4] {
					break
				}
				_, newer = s.result(newer)
			}
			if what != "superseded" || newer != at[4] {
				s.Errorf("%d: %s, the newest is at %s, not %s", i+1, what, newer, at[4])
			}
		}
		if took := s.at(s.told, "1").Sub(asked); took < 0 || took > 3*time.Second {
			s.Errorf("the running one was told after %v", took)
		}
		if v, _ := s.result(at[4]); v != "5" {
			s.Errorf("the newest became %s", v)
		}
		time.Sleep(time.Minute)
		if d := cmp.Diff(map[string]int{"succeeded": 1, "superseded": 4}, s.published()); d != "" {
			s.Error(d)
		}
	})
}

// A change that comes while the last one runs follows it, whenever it comes: the newest
// always has a result, and what ran is not stopped.
func TestRule_R13_ATrailingChangeIsNeverLost(t *testing.T) {
	inFront(t, queue.Trailing, func(s *screen) {
		succeeded, superseded := 0, 0
		for i := range 24 {
			first := s.change(fmt.Sprint("first ", i))
			s.untilItRuns(fmt.Sprint("first ", i))
			time.Sleep(time.Duration(i) * 450 * time.Millisecond) // before, at and after its end
			second := s.change(fmt.Sprint("second ", i))
			third := s.change(fmt.Sprint("third ", i))
			if v, _ := s.result(first); v != fmt.Sprint("first ", i) {
				s.Errorf("%d: what ran became %s", i, v)
			}
			if v, newer := s.result(second); v == "superseded" {
				if superseded++; newer != third {
					s.Errorf("%d: superseded by %s", i, newer)
				}
			} else if succeeded++; v != fmt.Sprint("second ", i) { // it began before the third came
				s.Errorf("%d: the second became %s", i, v)
			}
			if v, _ := s.result(third); v != fmt.Sprint("third ", i) {
				s.Errorf("%d: the newest became %s", i, v)
			}
			succeeded += 2
		}
		time.Sleep(time.Minute)
		if d := cmp.Diff(map[string]int{"succeeded": succeeded, "superseded": superseded}, s.published()); d != "" {
			s.Error(d)
		}
		if superseded < 12 {
			s.Errorf("%d superseded: the scene is too calm", superseded)
		}
	})
}

// DELETE reaches a running handler within three seconds, and who watches sees it.
func TestRule_R8_ACancelReachesTheHandler(t *testing.T) {
	inFront(t, queue.Supersede, func(s *screen) {
		self := s.change("1")
		s.untilItRuns("1")
		phases := make(chan string)
		go func() {
			w := s.do("GET", self+"/events", "")
			body, _ := io.ReadAll(w.Body)
			var last string
			for line := range strings.Lines(string(body)) {
				if data, ok := strings.CutPrefix(line, "data: "); ok {
					var st struct{ Phase string }
					_ = json.Unmarshal([]byte(data), &st)
					last = st.Phase
				}
			}
			phases <- last
		}()
		asked := time.Now()
		if w := s.do("DELETE", self, ""); w.Code != 202 || !strings.Contains(w.Body.String(), `"phase":"cancelling"`) {
			s.Errorf("%d %s", w.Code, w.Body)
		}
		if last := <-phases; last != "cancelled" {
			s.Errorf("the last event says %s", last)
		}
		if took := s.at(s.told, "1").Sub(asked); took < 0 || took > 3*time.Second {
			s.Errorf("told after %v", took)
		}
		if what, _ := s.result(self); what != "cancelled" {
			s.Errorf("it became %s", what)
		}
		if w := s.do("DELETE", self, ""); w.Code != 202 { // asked for again, it is what it was
			s.Errorf("%d", w.Code)
		}
	})
}
