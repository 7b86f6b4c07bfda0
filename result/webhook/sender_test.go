package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// verdict is what an error means to a worker.
func verdict(err error) string {
	var permanent *worker.PermanentError
	var later *worker.RetryAfterError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &permanent):
		return "permanent"
	case errors.As(err, &later):
		return "later"
	}
	return "again"
}

func TestAnAnswerDecides(t *testing.T) {
	for status, want := range map[int]string{
		200: "done", 201: "done", 202: "done", 204: "done", 299: "done",
		300: "again", 301: "again", 302: "again", 303: "again", 304: "again", 307: "again", 308: "again",
		400: "again", 401: "again", 404: "again", 408: "again", 410: "permanent", 413: "again", 429: "again",
		500: "again", 502: "again", 503: "again", 504: "again", 599: "again", 999: "again",
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := serving(t, answers(status))
			_, err := s.Deliver(t.Context(), job())
			if got := verdict(err); got != want {
				t.Errorf("%d: %s (%v), want %s", status, got, err, want)
			}
			var f *Failure
			if err != nil && (!errors.As(err, &f) || f.Status != status || f.Host != "receiver.example") {
				t.Errorf("%d: %#v", status, err)
			}
		})
	}
}

// TestRetryAfterLengthensTheWait, up to a bound, and never shortens it.
func TestRetryAfterLengthensTheWait(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		text        func() string
		least, most time.Duration // 0 = as if it were not there
	}{
		"seconds":     {func() string { return "3600" }, time.Hour, time.Hour},
		"a date":      {func() string { return date(time.Hour) }, time.Hour, time.Hour},
		"one":         {func() string { return "1" }, delays[0], delays[0] * 6 / 5},
		"too long":    {func() string { return "864000" }, DefaultMaxRetryAfter, DefaultMaxRetryAfter},
		"far too":     {func() string { return strings.Repeat("9", 30) }, DefaultMaxRetryAfter, DefaultMaxRetryAfter},
		"overflowing": {func() string { return "9223372037" }, DefaultMaxRetryAfter, DefaultMaxRetryAfter},
		"far ahead":   {func() string { return "Fri, 31 Dec 9999 23:59:59 GMT" }, DefaultMaxRetryAfter, DefaultMaxRetryAfter},
		"zero":        {func() string { return "0" }, 0, 0},
		"past":        {func() string { return date(-time.Hour) }, 0, 0},
		"negative":    {func() string { return "-1" }, 0, 0},
		"rubbish":     {func() string { return "soon" }, 0, 0},
	} {
		for _, status := range []int{429, 503} {
			synctest.Test(t, func(t *testing.T) {
				s, _ := serving(t, answers(status, "Retry-After", c.text()))
				_, err := s.Deliver(t.Context(), job())
				var later *worker.RetryAfterError
				switch errors.As(err, &later) {
				case true:
					if c.least == 0 || later.After < c.least || later.After > c.most {
						t.Errorf("%s: %v", name, later.After)
					}
				case false:
					if c.least != 0 || err == nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
	}
}

func TestGoneTellsTheApplicationAndEndsTheDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := serving(t, answers(http.StatusGone))
		told := errors.New("database is away")
		var who []string
		s.Gone = func(_ context.Context, tenant, target string) error {
			who = append(who, tenant+"/"+target)
			return told
		}
		if _, err := s.Deliver(t.Context(), job()); verdict(err) != "again" || !errors.Is(err, told) {
			t.Errorf("while it can't be disabled: %v", err)
		}
		told = nil
		if _, err := s.Deliver(t.Context(), job()); verdict(err) != "permanent" {
			t.Errorf("when it is disabled: %v", err)
		}
		if len(who) != 2 || who[0] != "zeta/billing" {
			t.Errorf("told of %v", who)
		}
	})
}

// TestWhatTheNetworkDoesIsTriedAgain, and named in words that quote nothing.
func TestWhatTheNetworkDoesIsTriedAgain(t *testing.T) {
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, text)
				_ = conn.Close()
			}
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		reason  string
		takes   time.Duration
	}{
		"nothing":     {hangs, "timed out", DefaultTimeout},
		"a reset":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "closed the connection before it answered", 0},
		"no HTTP":     {raw("canary\r\n\r\n"), "gave no answer in HTTP", 0},
		"a bad code":  {raw("HTTP/1.1 canary OK\r\n\r\n"), "gave no answer in HTTP", 0},
		"bad headers": {raw("HTTP/1.1 200 OK\r\ncanary\r\n\r\n"), "gave no answer in HTTP", 0},
		"huge ones":   {raw("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("canary", maxHeaders) + "\r\n\r\n"), "gave no answer in HTTP", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := serving(t, c.handler)
			start := time.Now()
			_, err := s.Deliver(t.Context(), job())
			var f *Failure
			if verdict(err) != "again" || !errors.As(err, &f) || f.Reason != c.reason || time.Since(start) != c.takes {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
			if timedOut := c.takes > 0; timedOut != errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s, net := serving(t, answers(200))
		net.refusing = func() bool { return true }
		if _, err := s.Deliver(t.Context(), job()); verdict(err) != "again" || err.Error() != "webhook: receiver.example: refused the connection" {
			t.Error(err)
		}
	})
}

// TestAnAnswerThatDripsHoldsNobodyLonger than Timeout; and 2xx is 2xx, whatever
// becomes of the body.
func TestAnAnswerThatDripsHoldsNobodyLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
			for _, _ = io.ReadAll(r.Body); r.Context().Err() == nil; {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			}
		})
		start := time.Now()
		if _, err := s.Deliver(t.Context(), job()); err != nil || time.Since(start) > DefaultTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestAnEndlessAnswerIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		s, _ := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			for {
				n, err := w.Write(make([]byte, 4096))
				if sent += n; err != nil {
					return
				}
			}
		})
		if _, err := s.Deliver(t.Context(), job()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if sent > maxAnswer+64<<10 { // with what lies in buffers
			t.Errorf("%d bytes were sent", sent)
		}
	})
}

// TestG1_ASwitchOfProtocolsHoldsNobody: its connection outlives the request's
// context, and says nothing.
func TestG1_ASwitchOfProtocolsHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: canary\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the other side closes it
		})
		start := time.Now()
		if _, err := s.Deliver(t.Context(), job()); verdict(err) != "again" || time.Since(start) > DefaultTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestAWorkerThatStopsIsNoFailure: the worker gives the job back.
func TestAWorkerThatStopsIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := serving(t, hangs)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(worker.ErrStopping) })
		if _, err := s.Deliver(ctx, job()); !errors.Is(err, worker.ErrStopping) {
			t.Error(err)
		}
	})
}

func TestAnUnsubscribedTargetEndsTheDeliveryQuietly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, net := serving(t, answers(200))
		s.Lookup = func(context.Context, string, string) (Endpoint, error) { return Endpoint{}, ErrUnsubscribed }
		if _, err := s.Deliver(t.Context(), job()); err != nil || len(net.dialled) > 0 {
			t.Errorf("%v, dialled %v", err, net.dialled)
		}
	})
}

// TestALookupThatFailsIsTriedAgain: a database may be away, and a bug be mended.
func TestALookupThatFailsIsTriedAgain(t *testing.T) {
	away := errors.New("database is away")
	for name, lookup := range map[string]func(context.Context, string, string) (Endpoint, error){
		"an error": func(context.Context, string, string) (Endpoint, error) { return Endpoint{}, away },
		"a panic":  func(context.Context, string, string) (Endpoint, error) { panic("canary") },
		"a bug": func(context.Context, string, string) (Endpoint, error) {
			var none []string
			return Endpoint{URL: none[len("canary")]}, nil
		},
	} {
		s := &Sender{Lookup: lookup}
		_, err := s.Deliver(t.Context(), job())
		var hook *HookError
		if verdict(err) != "again" || strings.Contains(err.Error(), "canary") || !errors.Is(err, away) && !errors.As(err, &hook) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestASenderThatMakesNoSenseSaysSo, and its deliveries wait for a better one.
func TestASenderThatMakesNoSenseSaysSo(t *testing.T) {
	for name, s := range map[string]*Sender{
		"no Lookup":     {},
		"no time":       {Lookup: fixed(place, shared), Timeout: -1},
		"negative wait": {Lookup: fixed(place, shared), MaxRetryAfter: -1},
	} {
		if _, err := s.Deliver(t.Context(), job()); !errors.Is(err, queue.ErrInvalid) || verdict(err) != "again" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhatIsSureToFailAgainIsPermanent, with a typed error, and nothing is dialled.
func TestWhatIsSureToFailAgainIsPermanent(t *testing.T) {
	good := Endpoint{URL: place, Secrets: []Secret{shared}}
	for name, spoil := range map[string]func(e *Endpoint, j *queue.Job[Delivery]){
		"no URL":           func(e *Endpoint, _ *queue.Job[Delivery]) { e.URL = "" },
		"a bad one":        func(e *Endpoint, _ *queue.Job[Delivery]) { e.URL = "http://0x7f.1/?canary" },
		"no secret":        func(e *Endpoint, _ *queue.Job[Delivery]) { e.Secrets = nil },
		"an empty secret":  func(e *Endpoint, _ *queue.Job[Delivery]) { e.Secrets = append(e.Secrets[:1:1], Secret{}) },
		"too many secrets": func(e *Endpoint, _ *queue.Job[Delivery]) { e.Secrets = make([]Secret, maxSecrets+1) },
		"no id":            func(_ *Endpoint, j *queue.Job[Delivery]) { j.Args.ID = "" },
		"an id with a dot": func(_ *Endpoint, j *queue.Job[Delivery]) { j.Args.ID = "a.1" },
		"a header as id":   func(_ *Endpoint, j *queue.Job[Delivery]) { j.Args.ID = "a\r\nX-Evil: 1" },
		"a huge id":        func(_ *Endpoint, j *queue.Job[Delivery]) { j.Args.ID = strings.Repeat("a", maxID+1) },
	} {
		synctest.Test(t, func(t *testing.T) {
			s, net := serving(t, answers(200))
			e, j := good, job()
			spoil(&e, j)
			s.Lookup = func(context.Context, string, string) (Endpoint, error) { return e, nil }
			_, err := s.Deliver(t.Context(), j)
			if verdict(err) != "permanent" || !errors.Is(err, queue.ErrInvalid) || len(net.dialled) > 0 || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: %v, dialled %v", name, err, net.dialled)
			}
		})
	}
}

// TestEachAttemptIsSignedAnew, under the same id, by what Lookup says now.
func TestEachAttemptIsSignedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []http.Header
		var bodies [][]byte
		s, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			got, bodies = append(got, r.Header.Clone()), append(bodies, b)
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		held := []Secret{NewSecret()}
		s.Lookup = func(context.Context, string, string) (Endpoint, error) {
			return Endpoint{URL: place, Secrets: held}, nil
		}
		for n := range 3 {
			if _, err := s.Deliver(t.Context(), job()); verdict(err) != "again" {
				t.Fatal(err)
			}
			if err := Verify(got[n], bodies[n], time.Now(), held[0]); err != nil {
				t.Errorf("attempt %d: %v", n, err)
			}
			if n > 0 && (!bytes.Equal(bodies[n], bodies[0]) || got[n].Get(headerID) != got[0].Get(headerID)) {
				t.Errorf("attempt %d differs from the first", n)
			}
			time.Sleep(time.Hour)
			held = []Secret{NewSecret()}
		}
	})
}
