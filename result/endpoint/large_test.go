package endpoint_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// bucket holds one object, which breaks after some bytes, or is slow from there.
type bucket struct {
	data  []byte
	gone  bool
	after int
	err   error
}

func (b *bucket) Write(_ context.Context, _ string, data []byte) error {
	b.data = bytes.Clone(data)
	return nil
}

func (b *bucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if b.gone {
		return nil, &fs.PathError{Op: "open", Path: canary, Err: fs.ErrNotExist}
	}
	if b.err == nil {
		return io.NopCloser(io.MultiReader(bytes.NewReader(b.data[:b.after]), &slow{ctx, bytes.NewReader(b.data[b.after:])})), nil
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(b.data[:b.after]), failing{b.err})), nil
}

func (b *bucket) Delete(context.Context, string) error                  { return nil }
func (b *bucket) List(context.Context, string) iter.Seq2[string, error] { return nil }

// slow takes a minute to read, and ends with its context.
type slow struct {
	ctx context.Context
	io.Reader
}

func (s *slow) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Minute):
		return s.Reader.Read(p)
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// large makes a job whose result lies in a bucket.
func large(t *testing.T) (s *site, b *bucket, self string) {
	s, b = newSite(t), &bucket{}
	s.q.Bucket, s.q.Inline = b, 100
	self = s.post()
	in := s.Inside()
	l := s.Claim()
	inline, stored, err := in.Pack(t.Context(), l, bytes.Repeat([]byte(" "), 200))
	if err != nil || stored == "" {
		t.Fatal(stored, err)
	}
	s.Settle(backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded, Result: inline, Stored: stored})
	return s, b, self + "/result"
}

// MaxWait bounds the way to a result, not the time that it takes to send.
func TestLargeResultsTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b, at := large(t)
		s.expect(s.do("GET", at, ""), 503, "unavailable")
		b.after = 1
		w := s.do("GET", at, "")
		if s.expect(w, 200, ""); w.Body.Len() != 200 {
			t.Errorf("%d bytes", w.Body.Len())
		}
	})
}

func TestResultsThatHaveGone(t *testing.T) {
	s, b, at := large(t)
	b.gone = true
	s.expect(s.do("GET", at, ""), 410, "result-gone")
	if !strings.Contains(s.logged(), "a request failed") {
		t.Error("nobody is told: " + s.logged())
	}
}

func TestResultsThatTheSetupCantRead(t *testing.T) {
	s, _, at := large(t)
	withoutBucket := s.handler(queue.New[settings, plan](s.b, "whatif"))
	s.expect(s.serve(withoutBucket, request("GET", at, "")), 500, "internal")
	if !strings.Contains(s.logged(), `"field":"Queue.Bucket"`) {
		t.Error(s.logged())
	}
}

// A result that breaks off must not look whole: before the first byte it is a
// problem, after it the connection breaks.
func TestResultsThatBreakOff(t *testing.T) {
	s, b, at := large(t)
	b.err = errors.New(canary)
	s.expect(s.do("GET", at, ""), 503, "unavailable")

	b.after = 100
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("recovered %v", v)
		}
		if !strings.Contains(s.logged(), "broke off") || strings.Contains(s.logged(), canary) {
			t.Error(s.logged())
		}
	}()
	s.do("GET", at, "")
	t.Error("the answer looks whole")
}

// A client on a slow line gets all of a large result, one that stops reading is let go.
func TestRow_G1_ALargeResultIsSentAsFastAsItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b, self := large(t)
		b.data = bytes.Repeat([]byte(" "), 1<<20)
		b.after = len(b.data)
		v := s.listen(hasty)
		a := v.ask("GET", self, "")
		read, piece, last := 0, make([]byte, 16<<10), error(nil)
		for {
			n, err := io.ReadFull(a.Body, piece)
			if read, last = read+n, err; err != nil {
				break
			}
			time.Sleep(200 * time.Millisecond)
		}
		if read != len(b.data) {
			t.Errorf("%d bytes, %v", read, last)
		}
		a = v.ask("GET", self, "")
		time.Sleep(time.Minute)
		if n, err := io.Copy(io.Discard, a.Body); err == nil {
			t.Errorf("who slept for a minute still gets %d bytes", n)
		}
	})
}
