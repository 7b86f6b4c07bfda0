package caller

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// seen is called with each status; an error ends the looking.
type seen func(Status) error

// poll looks when the portal says it is time, and asks for what has changed only.
func (c *Caller) poll(ctx context.Context, s Status, see seen) (Status, error) {
	return c.look(ctx, s, nil, see)
}

// wait is poll with long requests: each is answered when something changes.
func (c *Caller) wait(ctx context.Context, s Status, see seen) (Status, error) {
	return c.look(ctx, s, http.Header{"Prefer": {"wait=10"}}, see)
}

func (c *Caller) look(ctx context.Context, s Status, head http.Header, see seen) (Status, error) {
	tag := ""
	for {
		asked := head
		if tag != "" {
			asked = with(head, "If-None-Match", tag)
		}
		begun := time.Now()
		answer, text, err := c.call(ctx, "GET", s.Links.Self, asked, nil)
		if err != nil {
			return s, err
		}
		switch answer.StatusCode {
		case http.StatusOK:
			tag = answer.Header.Get("ETag")
			if s, err = statusOf(text); err != nil {
				return s, err
			}
			if err := c.changed(s, see); err != nil || !s.Ended.IsZero() {
				return s, err
			}
		case http.StatusNotModified:
			c.unchanged()
		default:
			return s, fmt.Errorf("GET %s: %s: %s", s.Links.Self, answer.Status, text)
		}
		pause := retryAfter(answer)
		if head != nil && time.Since(begun) >= pause/2 {
			pause = 0 // it was a long request: the next one may be, too
		}
		if err := rest(ctx, pause); err != nil {
			return s, err
		}
	}
}

func statusOf(text []byte) (s Status, err error) {
	err = json.Unmarshal(text, &s)
	return s, err
}

func (c *Caller) changed(s Status, see seen) error {
	c.change()
	if see == nil {
		return nil
	}
	return see(s)
}

// stream follows server-sent events until the job has ended. A stream that breaks is
// taken up again; where there is none, it polls.
func (c *Caller) stream(ctx context.Context, s Status, see seen) (Status, error) {
	last := ""
	for {
		head := http.Header{"Accept": {"text/event-stream"}}
		if last != "" {
			head.Set("Last-Event-ID", last)
		}
		answer, err := c.open(ctx, "GET", s.Links.Self+"/events", head, nil)
		if err != nil {
			return s, err
		}
		if answer.StatusCode != http.StatusOK {
			answer.Body.Close()
			return c.poll(ctx, s, see)
		}
		c.streamed()
		err = events(answer.Body, func(id string, data []byte) error {
			last = id
			if s, err = statusOf(data); err != nil {
				return err
			}
			return c.changed(s, see)
		})
		answer.Body.Close()
		if err != nil || !s.Ended.IsZero() {
			return s, err
		}
		if err := rest(ctx, 100*time.Millisecond); err != nil {
			return s, err
		}
	}
}

// events reads a stream of server-sent events to its end. One that breaks off has
// ended, too.
func events(stream io.Reader, take func(id string, data []byte) error) error {
	var id string
	var data []string
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "" && len(data) > 0:
			if err := take(id, []byte(strings.Join(data, "\n"))); err != nil {
				return err
			}
			data = nil
		case field == "id":
			id = value
		case field == "data":
			data = append(data, value)
		}
	}
	return nil
}
