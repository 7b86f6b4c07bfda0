package endpoint

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// result answers with the result, as it is encoded. Only the way to its first byte
// is bound by MaxWait: a large one takes as long as the client needs.
func (h *Handler[T, R]) result(c *call) error {
	ctx, cancel := context.WithCancel(c.given.Context())
	defer cancel()
	late := time.AfterFunc(orDefault(h.MaxWait, DefaultMaxWait), cancel)
	defer late.Stop()
	body, s, err := result.Open(ctx, h.q, c.ref())
	if errors.Is(err, queue.ErrNotReady) {
		h.pace(c, s)
		return h.status(c, http.StatusAccepted, s)
	}
	if ended, ok := errors.AsType[*result.EndedError](err); ok {
		return noResult(ended, c.base, h.ShowErrors)
	}
	if err != nil {
		return err
	}
	late.Stop()
	defer body.Close() // all was read, or nothing of it counts
	return h.stream(c, body, s)
}

// stream passes a result on. Once it has begun, a clean end would tell the client
// that it has all: what breaks off breaks the connection.
func (h *Handler[T, R]) stream(c *call, body io.Reader, s *result.Status) error {
	if c.unchanged(`"` + strconv.FormatInt(s.Generation, 10) + `"`) { // of one life, it never changes
		return nil
	}
	c.w.Header().Set("Content-Type", s.ContentType)
	from := &source{Reader: body}
	if c.r.Method != http.MethodHead {
		_, _ = io.Copy(c.w, from) // a client that has gone misses nothing
	}
	switch {
	case from.err == nil && !c.w.begun:
		c.w.WriteHeader(http.StatusOK)
	case from.err != nil && !c.w.begun:
		return from.err
	case from.err != nil:
		h.log(c, slog.LevelError, "leat: endpoint: a result broke off", from.err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// source remembers what went wrong with reading, apart from writing.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
