package endpoint

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// waiting counts the requests that wait or stream, by tenant.
type waiting struct {
	mu sync.Mutex
	of map[string]int
}

// enter reports whether one more may wait; most = 0 is no limit.
func (w *waiting) enter(tenant string, most int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if most > 0 && w.of[tenant] >= most {
		return false
	}
	if w.of == nil {
		w.of = map[string]int{}
	}
	w.of[tenant]++
	return true
}

func (w *waiting) leave(tenant string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of[tenant]--; w.of[tenant] <= 0 {
		delete(w.of, tenant)
	}
}

// Drain ends all streams, answers whoever waits with what is known, and lets nobody
// wait from then on: for http.Server.RegisterOnShutdown, which would wait for them.
// Clients come back, to another instance.
func (h *Handler[T, R]) Drain() { h.end() }

// patient begins a wait: its context ends with the client, after d, or by Drain. The
// connection outlives the server's WriteTimeout for so long. Call done in the end.
func (h *Handler[T, R]) patient(c *call, d time.Duration) (ctx context.Context, done func(), err error) {
	if !h.waiting.enter(c.tenant, h.MaxWaiting) {
		return nil, nil, tooManyWait
	}
	ctx, cancel := context.WithTimeout(c.given.Context(), d)
	stop := context.AfterFunc(h.life, cancel)
	c.outlive(d)
	return ctx, func() {
		stop()
		cancel()
		h.waiting.leave(c.tenant)
		c.hasten()
	}, nil
}

// await returns how a job stands once done says so, or the time that the client is
// granted is over. s is how it stood before.
func (h *Handler[T, R]) await(c *call, s *result.Status, wait time.Duration, done func(*result.Status) bool) (*result.Status, error) {
	if wait <= 0 || done(s) {
		return s, nil
	}
	ctx, leave, err := h.patient(c, wait)
	if err != nil {
		return nil, err
	}
	defer leave()
	for !done(s) {
		next, err := result.Next(ctx, h.q, s.Ref, s)
		switch {
		case err == nil:
			s = next
		case ctx.Err() != nil:
			return s, nil
		default:
			return nil, err
		}
	}
	return s, nil
}

func hasEnded(s *result.Status) bool { return s.State.Ended() }

// waitForResult answers a POST whose client would rather wait, if the job ends in
// time, as a GET of the result would. Else done is false, and s is how it stands.
func (h *Handler[T, R]) waitForResult(ctx context.Context, c *call, t queue.Ticket, wait time.Duration) (s *result.Status, done bool, err error) {
	s, err = result.Lookup(ctx, h.q, t.Ref)
	if err == nil {
		s, err = h.await(c, s, wait, hasEnded)
	}
	if err != nil || wait <= 0 || !s.State.Ended() {
		return s, false, err
	}
	c.at = place{"result", t.ID}
	c.w.Header().Set("Content-Location", newAccepted(c.base, t.ID).Links.Result)
	return s, true, h.result(c)
}

// isOver reports whether asking for a job again is pointless.
func isOver(err error) bool {
	for _, sure := range [...]error{queue.ErrNotFound, queue.ErrInvalid, queue.ErrClosed, errors.ErrUnsupported} {
		if errors.Is(err, sure) {
			return true
		}
	}
	return false
}

// outlive keeps the server from ending a connection on which somebody waits: its
// WriteTimeout is for clients that are slow, not for work that is. A writer that knows
// no deadlines has none.
func (c *call) outlive(d time.Duration) {
	_ = http.NewResponseController(c.w.ResponseWriter).SetWriteDeadline(time.Now().Add(d + c.patience()))
}

// hasten gives the client so long to take what is sent next. The server lifts that after
// each request.
func (c *call) hasten() {
	_ = http.NewResponseController(c.w.ResponseWriter).SetWriteDeadline(time.Now().Add(c.patience()))
}

// patience is how long a client may take to read one piece of an answer.
func (c *call) patience() time.Duration {
	if s := c.server(); s != nil && s.WriteTimeout > 0 {
		return s.WriteTimeout
	}
	return 30 * time.Second
}

// server is the http.Server of a request, nil if there is none.
func (c *call) server() *http.Server {
	s, _ := c.given.Context().Value(http.ServerContextKey).(*http.Server)
	return s
}
