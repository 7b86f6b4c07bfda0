package caller

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// script answers one request after the other, and notes what each asked.
type script struct {
	t       *testing.T
	answers []answer
	asked   []string
}

type answer struct {
	status int
	head   map[string]string
	body   string
	after  time.Duration
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	note := r.Method + " " + r.URL.Path
	for _, name := range []string{"Prefer", "If-None-Match", "Last-Event-ID", "Idempotency-Key"} {
		if v := r.Header.Get(name); v != "" {
			note += " " + name + ":" + v
		}
	}
	s.asked = append(s.asked, note)
	if len(s.answers) == 0 {
		s.t.Fatalf("%s: nobody expected it", note)
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	time.Sleep(a.after) // virtual
	head := http.Header{}
	for name, value := range a.head {
		head.Set(name, value)
	}
	return &http.Response{StatusCode: a.status, Status: http.StatusText(a.status), Header: head, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

const (
	queued  = `{"id":"a","state":"waiting","phase":"queued","links":{"self":"/jobs/a"}}`
	running = `{"id":"a","state":"running","phase":"running","links":{"self":"/jobs/a"},"progress":{"percent":40}}`
	over    = `{"id":"a","state":"succeeded","phase":"succeeded","links":{"self":"/jobs/a"},"ended":"2026-01-01T00:00:00Z"}`
)

// follows plays a caller's way of looking against answers, and holds what was asked and
// how long it took against what should be.
func follows(t *testing.T, look func(*Caller, context.Context, Status, seen) (Status, error), answers []answer, asked []string, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := &script{t: t, answers: answers}
		c := newCaller("zeta", "", "http://portal", net, nil)
		begun := time.Now()
		var s Status
		s.ID, s.Links.Self = "a", "/jobs/a"
		s, err := look(c, t.Context(), s, nil)
		if err != nil || s.State != "succeeded" || s.Progress.Percent != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		if diff := cmp.Diff(asked, net.asked); diff != "" {
			t.Error(diff)
		}
		if time.Since(begun) != took {
			t.Errorf("it took %v, not %v", time.Since(begun), took)
		}
	})
}

func TestWhoPollsComesWhenItIsTime(t *testing.T) {
	follows(t, (*Caller).poll, []answer{
		{200, map[string]string{"ETag": `"1"`, "Retry-After": "3"}, queued, 0},
		{304, map[string]string{"Retry-After": "2"}, "", 0},
		{200, map[string]string{"ETag": `"2"`}, running, 0},
		{200, nil, over, 0},
	}, []string{
		"GET /jobs/a", `GET /jobs/a If-None-Match:"1"`, `GET /jobs/a If-None-Match:"1"`, `GET /jobs/a If-None-Match:"2"`,
	}, 6*time.Second)
}

// Who waits comes at once after a long answer, and calmly where the server won't wait.
func TestWhoWaitsComesAtOnceAfterALongAnswer(t *testing.T) {
	follows(t, (*Caller).wait, []answer{
		{200, map[string]string{"ETag": `"1"`, "Retry-After": "1"}, running, 10 * time.Second},
		{304, map[string]string{"Retry-After": "1"}, "", 0},
		{200, nil, over, 4 * time.Second},
	}, []string{
		"GET /jobs/a Prefer:wait=10", `GET /jobs/a Prefer:wait=10 If-None-Match:"1"`, `GET /jobs/a Prefer:wait=10 If-None-Match:"1"`,
	}, 15*time.Second)
}

// A stream that breaks is taken up where it was; where there is none, it is polled.
func TestWhoStreamsTakesABrokenStreamUp(t *testing.T) {
	follows(t, (*Caller).stream, []answer{
		{200, nil, "id: 7\ndata: " + running + "\n\nid: 8\nda", 0},
		{200, nil, ": hello\n\nid: 9\ndata: " + over + "\n\n", 0},
	}, []string{"GET /jobs/a/events", "GET /jobs/a/events Last-Event-ID:7"}, 100*time.Millisecond)
	follows(t, (*Caller).stream, []answer{
		{404, nil, "{}", 0},
		{200, nil, over, 0},
	}, []string{"GET /jobs/a/events", "GET /jobs/a"}, 0)
}

// A 429 says when to come again, with the same key; a 200 is the result itself.
func TestWhoAsksComesAgainWithTheSameKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &script{t: t, answers: []answer{
			{429, map[string]string{"Retry-After": "5"}, "{}", 0},
			{200, map[string]string{"Content-Location": "/jobs/a/result"}, `"a plan"`, 0},
			{202, nil, queued, 0},
			{500, nil, "{}", 0},
		}}
		c := newCaller("zeta", "", "http://portal", net, nil)
		begun := time.Now()
		_, s, err := c.ask(t.Context(), question("q", 1), "k", nil)
		if err != nil || s.ID != "a" || s.Links.Self != "/jobs/a" || s.State != "succeeded" || time.Since(begun) != 5*time.Second {
			t.Errorf("%+v after %v, %v", s, time.Since(begun), err)
		}
		if _, s, err = c.ask(t.Context(), question("q", 1), "k", nil); err != nil || s.Phase != "queued" || c.Duplicated != 0 || c.Refused != 1 {
			t.Errorf("%+v, %v, duplicated %d", s, err, c.Duplicated)
		}
		if _, _, err = c.ask(t.Context(), question("q", 1), "l", nil); err == nil {
			t.Error("a 500 is fine")
		}
		if net.asked[0] != net.asked[1] || !strings.HasSuffix(net.asked[0], `Idempotency-Key:"k"`) {
			t.Errorf("%q", net.asked)
		}
	})
	if _, err := idOf("/elsewhere"); err == nil {
		t.Error("an id out of nothing")
	}
}
