package endpoint

import (
	"bufio"
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

// awaitedResult answers with the result, once it is there if the client would rather wait.
func (h *Handler[T, R]) awaitedResult(ctx context.Context, c *call) error {
	if wait := h.grant(c); wait > 0 {
		s, err := result.Lookup(ctx, h.q, c.ref())
		if err == nil {
			_, err = h.await(c, s, wait, hasEnded)
		}
		if err != nil {
			return err
		}
	}
	return h.result(c)
}

// result answers with the result, as it is encoded. Only the way to its first byte
// is bound by MaxWait: a large one takes as long as the client needs.
func (h *Handler[T, R]) result(c *call) error {
	ctx, cancel := context.WithCancel(c.given.Context())
	defer cancel()
	late := time.AfterFunc(orDefault(h.MaxWait, DefaultMaxWait), cancel)
	defer late.Stop()
	if there, err := h.redirect(ctx, c); there || err != nil {
		return err
	}
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
	defer body.Close()                                                // all was read, or nothing of it counts
	if c.unchanged(`"` + strconv.FormatInt(s.Generation, 10) + `"`) { // of one life, it never changes
		return nil
	}
	from := &source{Reader: body}
	data := bufio.NewReader(from)
	if _, err := data.Peek(1); err == io.EOF {
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	} else if err != nil {
		return err
	}
	late.Stop()
	c.w.Header().Set("Content-Type", s.ContentType)
	c.w.WriteHeader(http.StatusOK)
	h.stream(c, data, from)
	return nil
}

// stream passes a result on. A clean end would tell the client that it has all:
// what breaks off breaks the connection.
func (h *Handler[T, R]) stream(c *call, data io.Reader, from *source) {
	if c.r.Method == http.MethodHead {
		return
	}
	_, _ = io.Copy(&steady{c}, data) // a client that has gone misses nothing
	c.hasten()                       // the last of it is yet to be flushed, and the bucket may have been slow
	if from.err != nil {
		h.log(c, slog.LevelError, "leat: endpoint: a result broke off", from.err)
		panic(http.ErrAbortHandler)
	}
}

// redirect sends the client to the bucket, if it may and the result is there.
func (h *Handler[T, R]) redirect(ctx context.Context, c *call) (there bool, err error) {
	if h.Redirect <= 0 {
		return false, nil
	}
	url, err := result.SignedURL(ctx, h.q, c.ref(), h.Redirect)
	if err != nil { // Open finds the same again, or the result where no URL leads
		return false, nil
	}
	c.w.Header().Set("Location", url)
	c.w.Header().Set("Referrer-Policy", "no-referrer") // it is as good as the result
	c.w.WriteHeader(http.StatusSeeOther)
	return true, nil
}

// steady lets a client take its time for the whole, and not for each piece.
type steady struct{ *call }

func (s *steady) Write(p []byte) (int, error) {
	s.hasten()
	return s.w.Write(p)
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
