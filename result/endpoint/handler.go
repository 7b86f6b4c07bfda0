package endpoint

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// The defaults of a Handler.
const (
	DefaultPrefix     = "/jobs"
	DefaultMaxBody    = 1 << 20
	DefaultMaxWait    = 20 * time.Second
	DefaultRetryAfter = time.Second
	DefaultHeartbeat  = 15 * time.Second
	DefaultMaxStream  = time.Hour
)

// Handler serves one queue. Set its fields before the first request; the zero
// value of each is its default. Make it with [New].
type Handler[T, R any] struct {
	// Prefix is the path of the jobs as the Handler sees it, the one it is mounted
	// under: "/api/jobs", say; "" = "/jobs", "/" = nothing, where http.StripPrefix took
	// all. Links are as the client sees them.
	Prefix string

	// Authorize says whose request it is: the tenant that a job is enqueued for
	// and looked up under. nil refuses everybody. Mind that "" is a tenant too,
	// the one of programs that name none. An error refuses: with 403 and no
	// text, or as the *Problem that it is or wraps says.
	Authorize func(*http.Request) (tenant string, err error)

	// Validate refuses args that decode and make no sense, or none for this
	// tenant; nil = all are well. ctx is the request's. An error refuses: with 422
	// and no text, or as the *Problem that it is or wraps says.
	Validate func(ctx context.Context, tenant string, args T) error

	// Options are those of the job that the request asks for: the place it
	// supersedes, its expiry. It may set another Key than the client's, but not
	// the tenant. With queue.WaitForRoom a full backlog refuses after MaxWait.
	Options func(*http.Request, T) []queue.Option

	// Redirect sends clients to the bucket for a large result, by a signed URL that is good
	// for so long (303), where the bucket signs any; 0 = it streams through here.
	Redirect time.Duration

	// Args and Result are JSON Schemas (2020-12) of T and R for the OpenAPI document,
	// "{}" for whatever it may be; "" = as their Go types say.
	Args, Result string

	RequireKey   bool // refuse a POST without Idempotency-Key
	AllowUnknown bool // ignore members of a JSON body that T doesn't have
	ShowErrors   bool // show the reason of an end and the errors of attempts, as handlers wrote them

	MaxBody    int64         // most bytes of a body; 0 = 1 MiB
	MaxWait    time.Duration // longest that a request waits for its body, hooks, store and room, and then once more for the job; 0 = 20 s
	RetryAfter time.Duration // when a client is to look again, in whole seconds; 0 = 1 s
	Heartbeat  time.Duration // how often a stream of events that has none says that it lives; 0 = 15 s
	MaxStream  time.Duration // then a stream ends, and its client comes back to Authorize; 0 = 1 h
	MaxWaiting int           // requests of one tenant that may wait or stream at once; 0 = no limit

	Logger *slog.Logger // nil = slog.Default

	q      *queue.Queue[T, R]
	denied sync.Once
	astray sync.Once

	waiting waiting
	life    context.Context // ends with Drain
	end     context.CancelFunc
}

// New returns a Handler of q, which refuses everybody until Authorize is set.
func New[T, R any](q *queue.Queue[T, R]) *Handler[T, R] {
	h := &Handler[T, R]{q: q}
	h.life, h.end = context.WithCancel(context.Background())
	return h
}

// ServeHTTP answers one request.
func (h *Handler[T, R]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), orDefault(h.MaxWait, DefaultMaxWait))
	defer cancel()
	c := newCall(w, r, ctx, orDefault(h.MaxBody, DefaultMaxBody))
	if c.r.ContentLength != 0 {
		c.bodyWithin(orDefault(h.MaxWait, DefaultMaxWait))
	}
	defer h.rescue(c)
	if err := h.serve(ctx, c); err != nil {
		h.refuse(c, err)
	}
}

func (h *Handler[T, R]) serve(ctx context.Context, c *call) error {
	tenant, err := h.authorize(c)
	if err != nil {
		return err
	}
	c.tenant = tenant
	in, err := h.q.Inside(seam.Key{})
	if err != nil {
		return &mishap{internal, err}
	}
	prefix := cleanPrefix(h.Prefix)
	at, ok := parse(prefix, c.r.URL.Path)
	if !ok {
		if !strings.HasPrefix(c.r.URL.Path, prefix) {
			h.astray.Do(func() {
				h.log(c, slog.LevelWarn, "leat: endpoint: a path outside of Prefix", nil, slog.String("prefix", prefix))
			})
		}
		return notFound
	}
	c.at, c.base = at, base(c.r.RequestURI, c.r.URL.Path, prefix)

	switch verb := at.thing + " " + c.r.Method; verb {
	case "jobs POST":
		return h.create(ctx, c, in)
	case "job GET", "job HEAD":
		return h.show(ctx, c)
	case "events GET":
		return h.events(ctx, c)
	case "job DELETE":
		return h.cancel(ctx, c)
	case "result GET", "result HEAD":
		return h.awaitedResult(ctx, c)
	case "document GET", "document HEAD":
		return h.document(c)
	}
	return c.otherMethod()
}

// authorize asks the hook. Without one the answer is no.
func (h *Handler[T, R]) authorize(c *call) (string, error) {
	if h.Authorize == nil {
		h.denied.Do(func() { h.log(c, slog.LevelWarn, "leat: endpoint without Authorize refuses everybody", nil) })
		return "", forbidden
	}
	tenant, err := h.Authorize(c.r)
	if err != nil {
		return "", h.chosen(c, "Authorize", err, forbidden)
	}
	if !isName(tenant) {
		h.log(c, slog.LevelError, "leat: endpoint: Authorize returned what can't be a tenant", nil)
		return "", forbidden
	}
	return tenant, nil
}

// chosen is how a hook's error is answered: as it chose itself, else as usual.
func (h *Handler[T, R]) chosen(c *call, hook string, err error, usual *Problem) *Problem {
	if p := publicOf(err); p != nil {
		return p.completed(usual)
	}
	h.log(c, slog.LevelInfo, "leat: endpoint: refused by a hook", err, slog.String("hook", hook))
	return usual
}

func orDefault[N int64 | time.Duration](n, d N) N {
	if n > 0 {
		return n
	}
	return d
}
