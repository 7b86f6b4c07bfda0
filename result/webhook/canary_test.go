package webhook

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestG1_SecretsQueriesAndAnswersReachNoLogErrorOrJob, whatever goes wrong.
func TestG1_SecretsQueriesAndAnswersReachNoLogErrorOrJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		raw := bytes.Repeat([]byte("canary-secret!"), 3)
		held := secret(t, "whsec_"+base64.StdEncoding.EncodeToString(raw))
		sender, net := serving(t, func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/ok":
			case "/500":
				answers(500, "X-Canary", "canary-answer")(w, r)
			case "/410":
				answers(410)(w, r)
			case "/307":
				answers(307, "Location", "http://evil.example/?canary-location")(w, r)
			case "/garbage":
				if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
					_, _ = io.WriteString(c, "canary-answer\r\n\r\n")
					_ = c.Close()
				}
			case "/hang":
				hangs(w, r)
			default:
				panic(http.ErrAbortHandler)
			}
		})
		net.refusing = func() bool { return strings.HasPrefix(net.dialled[len(net.dialled)-1], "refusing") }
		paths := []string{"ok", "500", "410", "307", "garbage", "hang", "reset", "refused", "userinfo", "panic", "control"}
		sender.Lookup = func(_ context.Context, _, name string) (Endpoint, error) {
			e := Endpoint{URL: "http://receiver.example/" + name + "?token=canary-query#canary-fragment", Secrets: []Secret{held}}
			switch name {
			case "refused":
				e.URL = strings.Replace(e.URL, "receiver", "refusing", 1)
			case "userinfo":
				e.URL = "http://canary-user:canary-password@receiver.example/"
			case "control":
				e.URL = "http://receiver.example/\x7fcanary-path"
			case "panic":
				panic(fmt.Sprint("canary-panic ", e, held.Reveal()))
			}
			return e, nil
		}
		sender.Gone = func(context.Context, string, string) error { return nil }

		var log safeBuffer
		b := store(t)
		webhooks := deliveries(b)
		a := &Announcer{Queue: webhooks, Targets: to(paths...)}
		e := ended("x.1")
		e.Headers = map[string]string{"authorization": "canary-header"}
		if errs := a.Announce(t.Context(), []queue.Event{e}); errs != nil {
			t.Fatal(errs)
		}
		w := sender.Worker(webhooks)
		w.Logger, w.LogErrors = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), true
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- worker.Run(ctx, w) }()
		time.Sleep(6 * 24 * time.Hour)
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
		dead := 0
		for r, err := range webhooks.DeadLetters(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			dead++
			fmt.Fprintf(&log, "%s %s %v %v\n", r.Job.Payload, r.Reason, r.Job.Headers, r.Failures)
		}
		if dead != len(paths)-1 { // all but "ok"
			t.Errorf("%d dead letters", dead)
		}
		for _, canary := range []string{"canary-", base64.StdEncoding.EncodeToString(raw)[:12], shared.Reveal()[6:]} {
			if strings.Contains(log.String(), canary) {
				t.Errorf("%q is in\n%s", canary, log.String())
			}
		}
	})
}

// safeBuffer is a buffer that several goroutines write to.
type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}
