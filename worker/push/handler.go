package push

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/inbox"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/worker"
)

// Worker is a *worker.Worker or a *worker.Mux.
type Worker interface {
	worker.Runner
	RunStint(ctx context.Context, _ seam.Key, s seam.Stint) error
}

// Handler runs the job of each request, and answers when it is settled. Set its
// fields before it serves. Make it with [New].
//
// Of the worker's own fields Lease, Beat, RunLimit, Backoff and AfterSuccess count; the
// request stands for Concurrency, Grace, Kill and Margin.
type Handler struct {
	// Verify says whether a request is the sender's, before its body is read:
	// [Bearer], a signature, a client certificate. It is required: without it every
	// request is refused. Whoever may post here may run jobs.
	Verify func(*http.Request) error

	// Format reads the message; nil = [Any].
	Format Format

	// Timeout is how long a request may take, its body aside; 0 = 10 s, which is the
	// ack deadline of a Pub/Sub subscription that doesn't say otherwise. It must not
	// exceed what the sender waits: a message that is sent again meanwhile takes its job
	// over, where it comes to another process. A deadline of the request's context
	// that is earlier counts.
	Timeout time.Duration

	// Margin is how long before its end nothing is started; 0 = a tenth of the time,
	// at most 10 s. Half of it is for the handler: then its context ends, and a
	// quarter later what has returned is written for the last time.
	Margin time.Duration

	// Concurrency is how many requests run at a time; 0 = 2 × GOMAXPROCS. Others are
	// answered 429.
	Concurrency int

	MaxBody     int64         // bytes; 0 = 14 MiB, a Pub/Sub message of 10 MB in base64
	ReadTimeout time.Duration // of the body; 0 = 30 s

	Logger *slog.Logger // nil = slog.Default

	source *Source
	worker Worker

	mu   sync.Mutex
	here map[string]bool // ids of the messages that run here
}

// New returns a Handler. The worker's queue must be on a Backend on that source.
func New(s *Source, w Worker) *Handler {
	return &Handler{source: s, worker: w, here: map[string]bool{}}
}

const (
	defaultTimeout = 10 * time.Second
	defaultBody    = 14 << 20
	defaultRead    = 30 * time.Second
)

// ServeHTTP takes one message:
//
//	204        the job is over, or has left this message: it must not come again
//	400 413    the request can't be read as a message
//	401 403    Verify refused it
//	405        it isn't a POST
//	429        as many run as may, or this message runs here already
//	503        it must come again, after Retry-After if there is one
//	500        the program is at fault; the message comes again
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, status := h.receive(w, r)
	if status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	if !h.enter(m.ID) {
		again(w, http.StatusTooManyRequests, time.Second)
		return
	}
	defer h.leave(m.ID)
	result, err := h.work(r.Context(), m)
	var stuck *worker.StuckError
	switch {
	case errors.As(err, &stuck):
		h.logger().ErrorContext(r.Context(), "push: a handler has not returned; its job comes again, beside it", "message", m.ID)
	case err != nil:
		h.logger().ErrorContext(r.Context(), "push: a message could not be worked on", "message", m.ID, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	case !result.Asked:
		h.logger().ErrorContext(r.Context(), "push: the worker's queue isn't on the handler's source", "message", m.ID)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	if s := result.Messages[0]; s.Fate != inbox.Done {
		again(w, http.StatusServiceUnavailable, s.Nack.Delay)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// receive reads the message, or tells how the request is refused.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) (m Message, status int) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return m, http.StatusMethodNotAllowed
	}
	if err := h.verified(r); err != nil {
		h.logger().WarnContext(r.Context(), "push: a request is refused", "error", err)
		if errors.Is(err, ErrNoToken) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			return m, http.StatusUnauthorized
		}
		return m, http.StatusForbidden
	}
	body, err := h.body(w, r)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return m, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return m, http.StatusBadRequest
	}
	format := h.Format
	if format == nil {
		format = Any
	}
	if m, err = format(r, body); err != nil {
		return m, http.StatusBadRequest
	}
	m.named()
	return m, 0
}

// body reads it in time, where the connection has such deadlines.
func (h *Handler) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	c := http.NewResponseController(w)
	if c.SetReadDeadline(time.Now().Add(cmp.Or(h.ReadTimeout, defaultRead))) == nil {
		defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, cmp.Or(h.MaxBody, defaultBody)))
}

// work runs the job.
func (h *Handler) work(ctx context.Context, m Message) (inbox.Result, error) {
	now := time.Now()
	deadline := now.Add(cmp.Or(h.Timeout, defaultTimeout))
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	stint, err := seam.NewStint(now, deadline, h.Margin)
	if err != nil {
		return inbox.Result{}, err
	}
	run, stop := context.WithCancel(ctx)
	defer stop()
	b := inbox.NewBatch([]inbox.Message{{Delivery: &broker.Delivery{
		ID: m.ID, Body: m.Body, Headers: m.Headers, Sent: m.Sent, Receives: m.Delivery,
	}}}, inbox.Options{Settled: stop})
	stint.Idle, stint.Empty = lostAfter, b.Empty
	err = h.worker.RunStint(b.Into(run), seam.Key{}, stint)
	return b.Close(), err
}

// lostAfter is how long a request waits for a message that it lost to another process.
const lostAfter = 2 * time.Second

// enter takes a place. A message that runs here already has its own: run beside itself
// it would be a crash of its first run.
func (h *Handler) enter(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.here[id] || len(h.here) >= cmp.Or(h.Concurrency, 2*runtime.GOMAXPROCS(0)) {
		return false
	}
	h.here[id] = true
	return true
}

func (h *Handler) leave(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.here, id)
}

func (h *Handler) logger() *slog.Logger {
	if h.Logger != nil {
		return h.Logger
	}
	return slog.Default()
}

// again answers that the message must come again, d from now.
func again(w http.ResponseWriter, status int, d time.Duration) {
	if d > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10))
	}
	http.Error(w, http.StatusText(status), status)
}
