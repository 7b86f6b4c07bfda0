package endpoint

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/leat-go/leat/result"
)

// pause is the least time between two events of a stream: what changes faster, as a
// batch does with each of its members, is told as one.
const pause = 100 * time.Millisecond

// events streams how a job stands, at each change, as server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html), until it has ended.
// A client that comes back names the event that it saw last; 204 tells it that there
// will be no other.
func (h *Handler[T, R]) events(ctx context.Context, c *call) error {
	s, err := result.Lookup(ctx, h.q, c.ref())
	if err != nil {
		return err
	}
	known := c.r.Header.Get("Last-Event-ID") == tag(s)
	if known && s.State.Ended() {
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	life := orDefault(h.MaxStream, DefaultMaxStream)
	life -= rand.N(life/10 + 1) // not all at once
	ctx, leave, err := h.patient(c, life)
	if err != nil {
		return err
	}
	defer leave()
	head := c.w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("X-Accel-Buffering", "no") // nginx would keep events back
	c.w.WriteHeader(http.StatusOK)
	out := &stream{call: c, rc: http.NewResponseController(c.w.ResponseWriter)}
	first := fmt.Sprintf("retry: %d\n\n", orDefault(h.RetryAfter, DefaultRetryAfter).Milliseconds())
	if !known {
		first += h.event(out, s)
	}
	if out.write(first) {
		h.follow(ctx, out, s)
	}
	return nil
}

// follow tells each change after s. A store that is away doesn't end the stream: a
// browser doesn't come back to a server that answers with an error.
func (h *Handler[T, R]) follow(ctx context.Context, out *stream, s *result.Status) {
	for !s.State.Ended() {
		beat, cancel := context.WithTimeout(ctx, orDefault(h.Heartbeat, DefaultHeartbeat))
		next, err := result.Next(beat, h.q, s.Ref, s)
		more := true
		switch {
		case err == nil:
			s = next
			more = out.write(h.event(out, s)) && (s.State.Ended() || rest(ctx, pause))
		case ctx.Err() != nil || isOver(err):
			more = false
		default:
			<-beat.Done() // a store that is away is left in peace until then
			more = out.write(":\n\n")
		}
		cancel()
		if !more {
			return
		}
	}
}

// event is one as it is sent. Its id is what the ETag is to a GET.
func (h *Handler[T, R]) event(out *stream, s *result.Status) string {
	data, _ := json.Marshal(newStatus(out.base, s, h.ShowErrors)) // strings, numbers and times can be encoded
	return "id: " + tag(s) + "\ndata: " + string(data) + "\n\n"
}

// stream is an answer that goes on.
type stream struct {
	*call
	rc *http.ResponseController
}

// write sends text at once, and reports whether the client may want more. Where
// nothing can be sent before the end, this is the end, and the client comes back.
func (s *stream) write(text string) bool {
	s.hasten()
	defer s.rc.SetWriteDeadline(time.Time{}) // one that passes ends a stream of HTTP/2, though nothing is written
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.rc.Flush() == nil
}

// rest waits, and reports whether ctx lives.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
