package endpoint

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// accepted is what is known of a job that was just created.
type accepted struct {
	ID    string `json:"id"`
	State string `json:"state,omitempty"`
	Links links  `json:"links"`
}

// jobStatus is how a job stands.
type jobStatus struct {
	accepted
	Phase    string    `json:"phase"`
	Steps    []step    `json:"steps"`
	Attempt  int       `json:"attempt"`
	Progress *progress `json:"progress,omitempty"`
	Batch    *batch    `json:"batch,omitempty"`
	Created  time.Time `json:"created"`
	Due      time.Time `json:"due,omitzero"`
	Deadline time.Time `json:"deadline,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
	Reason   string    `json:"reason,omitempty"`   // if ShowErrors
	Failures []failure `json:"failures,omitempty"` // if ShowErrors
}

type links struct {
	Self   string `json:"self,omitempty"`
	Result string `json:"result,omitempty"` // while there is or may be one
	Events string `json:"events,omitempty"` // while there may be any
	Newer  string `json:"newer,omitempty"`  // the job that took its place
}

type progress struct {
	Percent float64 `json:"percent"`
	Text    string  `json:"text,omitempty"`
}

type batch struct {
	Members int  `json:"members"`
	Ended   int  `json:"ended"`
	Failed  int  `json:"failed"`
	Sealed  bool `json:"sealed"`
}

type failure struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Text    string    `json:"text"`
}

func jobLink(base, id string) string { return base + "/" + url.PathEscape(id) }

// newAccepted describes a job of which nothing more is known.
func newAccepted(base, id string) accepted {
	self := jobLink(base, id)
	return accepted{ID: id, Links: links{Self: self, Result: self + "/result", Events: self + "/events"}}
}

func newStatus(base string, s *result.Status, showErrors bool) jobStatus {
	j := jobStatus{
		accepted: newAccepted(base, s.Ref.ID), Phase: s.Phase(), Attempt: s.Attempt,
		Created: s.Created.UTC(), Due: s.Due.UTC(), Deadline: s.Deadline.UTC(), Ended: s.Ended.UTC(),
	}
	j.State = s.State.String()
	j.Steps = stepsOf(s)
	if s.State.Ended() {
		j.Links.Events = ""
	}
	if s.State.Failed() {
		j.Links.Result = ""
	}
	if s.SupersededBy.ID != "" {
		j.Links.Newer = jobLink(base, s.SupersededBy.ID)
	}
	if s.Progress != (queue.Progress{}) {
		j.Progress = &progress{s.Progress.Percent, s.Progress.Text}
	}
	if b := s.Batch; b != nil {
		j.Batch = &batch{b.Members, b.Ended, b.Failed, b.Sealed}
		if j.Progress == nil && b.Sealed && b.Members > 0 { // what its members have come to
			j.Progress = &progress{Percent: math.Floor(1000*float64(b.Ended)/float64(b.Members)) / 10}
		}
	}
	if showErrors {
		j.Reason = s.Reason
		for _, f := range s.Failures {
			j.Failures = append(j.Failures, failure{f.Attempt, f.At.UTC(), f.Text})
		}
	}
	return j
}

// show answers how a job stands.
func (h *Handler[T, R]) show(ctx context.Context, c *call) error {
	s, err := result.Lookup(ctx, h.q, c.ref())
	if err != nil {
		return err
	}
	news := hasEnded
	if seen := c.r.Header.Values("If-None-Match"); len(seen) > 0 {
		news = func(s *result.Status) bool { return s.State.Ended() || !matches(seen, `"`+tag(s)+`"`) }
	}
	if s, err = h.await(c, s, h.grant(c), news); err != nil {
		return err
	}
	h.pace(c, s)
	if c.unchanged(`"` + tag(s) + `"`) {
		return nil
	}
	return h.status(c, http.StatusOK, s)
}

// tag names what is shown. A phase changes as time goes by, without a new version.
func tag(s *result.Status) string {
	return fmt.Sprintf("%d-%d-%s", s.Generation, s.Version, s.Phase())
}

// status answers with how a job stands.
func (h *Handler[T, R]) status(c *call, code int, s *result.Status) error {
	return c.json(code, "application/json", newStatus(c.base, s, h.ShowErrors))
}

// pace tells a client when to look again, while there is something to come.
func (h *Handler[T, R]) pace(c *call, s *result.Status) {
	if !s.State.Ended() {
		c.retryAfter(orDefault(h.RetryAfter, DefaultRetryAfter))
	}
}

// cancel ends a job. It looks first: the store's cancel knows no queues, and
// another queue's job is not this Handler's to end.
func (h *Handler[T, R]) cancel(ctx context.Context, c *call) error {
	if _, err := result.Lookup(ctx, h.q, c.ref()); err != nil {
		return err
	}
	if err := h.q.Cancel(ctx, c.ref()); err != nil {
		return err
	}
	s, err := result.Lookup(ctx, h.q, c.ref())
	if err != nil { // it is cancelled all the same
		return c.json(http.StatusAccepted, "application/json", newAccepted(c.base, c.at.id))
	}
	h.pace(c, s)
	return h.status(c, http.StatusAccepted, s)
}
