package caller

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site answers without a network.
type site func(path string) (status int, body string)

func (s site) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := s(r.URL.Path)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// atLast is how the site says that jobs stand.
func atLast(stands map[string]string) site {
	return func(path string) (int, string) {
		id, result := strings.CutSuffix(strings.TrimPrefix(path, "/jobs/"), "/result")
		switch state := stands[id]; {
		case state == "":
			return 404, `{}`
		case result:
			return 200, `"` + state + ` plan"`
		case state == "running":
			return 200, `{"id":"` + id + `","state":"running"}`
		default:
			return 200, `{"id":"` + id + `","state":"` + state + `","ended":"2026-01-01T00:00:00Z"}`
		}
	}
}

// The books tell a lost promise, a second job and a second end from what is well.
func TestTheBooksTellWhatIsLostAndWhatIsDoubled(t *testing.T) {
	done := func(id string) Status { return Status{ID: id, State: "succeeded"} }
	plan := []byte(`"succeeded plan"`)
	for name, c := range map[string]struct {
		live                    func(*Caller)
		at                      map[string]string
		stored                  []string
		lost, duplicated, wrong int
	}{
		"all is well":              {func(c *Caller) { c.promised("a", "k", time.Now()); c.ended(done("a"), plan) }, map[string]string{"a": "succeeded"}, []string{"a"}, 0, 0, 0},
		"a repeat is the same":     {func(c *Caller) { c.promised("a", "k", time.Now()); c.promised("a", "k", time.Now()) }, map[string]string{"a": "succeeded"}, []string{"a"}, 0, 0, 0},
		"it is gone":               {func(c *Caller) { c.promised("a", "k", time.Now()) }, nil, nil, 1, 0, 0},
		"it never ends":            {func(c *Caller) { c.promised("a", "k", time.Now()) }, map[string]string{"a": "running"}, []string{"a"}, 1, 0, 0},
		"a repeat is another job":  {func(c *Caller) { c.promised("a", "k", time.Now()); c.promised("b", "k", time.Now()) }, map[string]string{"a": "succeeded"}, nil, 0, 1, 0},
		"it ends again, otherwise": {func(c *Caller) { c.promised("a", "k", time.Now()); c.ended(done("a"), plan) }, map[string]string{"a": "cancelled"}, []string{"a"}, 0, 1, 0},
		"its plan is another":      {func(c *Caller) { c.promised("a", "k", time.Now()); c.ended(done("a"), []byte("old")) }, map[string]string{"a": "succeeded"}, []string{"a"}, 0, 1, 0},
		"two ends are told": {func(c *Caller) {
			c.promised("a", "k", time.Now())
			c.ended(done("a"), plan)
			c.ended(Status{ID: "a", State: "dead"}, nil)
		}, map[string]string{"a": "succeeded"}, nil, 0, 1, 0},
		"a job that nobody asked for": {func(c *Caller) { c.promised("a", "k", time.Now()) }, map[string]string{"a": "succeeded"}, []string{"a", "b"}, 0, 1, 0},
		"two questions, one job":      {func(c *Caller) { c.promised("a", "k", time.Now()); c.promised("a", "l", time.Now()) }, map[string]string{"a": "succeeded"}, nil, 0, 0, 1},
		"an end of another's job":     {func(c *Caller) { c.ended(done("a"), nil) }, nil, nil, 0, 0, 1},
		"not as the story says":       {func(c *Caller) { c.expect(false, "no") }, nil, nil, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			caller := newCaller("zeta", "", "http://portal", atLast(c.at), nil)
			c.live(caller)
			a, wrong, err := caller.Close(t.Context(), c.stored)
			if err != nil || a.Lost != c.lost || a.Duplicated != c.duplicated || a.Wrong != c.wrong || len(wrong) != c.wrong {
				t.Errorf("lost %d, duplicated %d, wrong %q, %v", a.Lost, a.Duplicated, wrong, err)
			}
		})
	}
}

// A stream is read as the standard has it: comments, fields of several lines, an event
// that broke off.
func TestEventsAreReadAsTheStandardHasThem(t *testing.T) {
	stream := ": hello\n\nid: 1\ndata: {\"a\":\ndata: 1}\n\n: still here\n\ndata:{}\nid:2\nretry: 5\n\nid: 3\ndata: {\"half"
	var got []string
	err := events(strings.NewReader(stream), func(id string, data []byte) error {
		got = append(got, id+" "+string(data))
		return nil
	})
	if diff := cmp.Diff([]string{"1 {\"a\":\n1}", "2 {}"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if err := events(strings.NewReader(stream), func(string, []byte) error { return context.Canceled }); err != context.Canceled {
		t.Error(err)
	}
}
