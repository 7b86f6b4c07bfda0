package endpoint_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

// shown is what a test looks at of an event.
func shown(t *testing.T, e event) string {
	t.Helper()
	if e.comment {
		return ":"
	}
	var s struct {
		Phase    string
		Progress struct{ Percent float64 }
	}
	if err := json.Unmarshal([]byte(e.data), &s); err != nil || !strings.HasSuffix(e.id, "-"+s.Phase) {
		t.Errorf("%v, event %+v", err, e)
	}
	return fmt.Sprint(s.Phase, " ", s.Progress.Percent)
}

// all are the events of a stream to its end.
func (w *watcher) all() []string {
	w.Helper()
	var seen []string
	for e, more := w.next(); more; e, more = w.next() {
		seen = append(seen, shown(w.T, e))
	}
	return seen
}

func TestEventsShowEachChangeUntilTheEnd(t *testing.T) {
	for name, protocol := range map[string][]func(*http.Server, *http.Transport){
		"HTTP/1.1": nil, "HTTP/2": {http2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newSite(t).listen(protocol...)
				v.h.Options = func(*http.Request, settings) []queue.Option { return []queue.Option{queue.Delay(2 * time.Second)} }
				self := v.post()
				go func() {
					time.Sleep(4 * time.Second)
					l := v.Claim()
					time.Sleep(time.Second)
					v.Report(l, 40, "halfway")
					time.Sleep(time.Second)
					v.Retry(l, 2*time.Second, "no stock")
					time.Sleep(2 * time.Second)
					l = v.Claim()
					time.Sleep(time.Second)
					v.Succeed(l, plan{12})
				}()
				want := []string{"scheduled 0", "queued 0", "running 0", "running 40", "retrying 40", "running 40", "succeeded 40"}
				if d := cmp.Diff(want, v.watch(self).all()); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

// A client that comes back is told what it missed, and nothing that it has; after the end
// it is told to stay away.
func TestEventsGoOnWhereTheClientWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t).listen()
		self := v.post()
		w := v.watch(self)
		queued, _ := w.next()
		w.close()

		w = v.watch(self, "Last-Event-ID", queued.id) // nothing new: silence
		l := v.Claim()
		running, _ := w.next()
		w.close()
		if got := shown(t, running); got != "running 0" {
			t.Errorf("first %q", got)
		}

		for _, old := range []string{queued.id, "", "nonsense", strings.Repeat("9", 4000), `"` + running.id + `"`, "9-9-running"} {
			w = v.watch(self, "Last-Event-ID", old)
			if e, _ := w.next(); e != running {
				t.Errorf("after %.20q: %+v", old, e)
			}
			w.close()
		}
		v.Succeed(l, plan{12})
		w = v.watch(self, "Last-Event-ID", running.id)
		end, _ := w.next()
		if _, more := w.next(); more {
			t.Error("more after the end")
		}
		if a := v.ask("GET", self+"/events", "", "Last-Event-ID", end.id); a.StatusCode != 204 {
			t.Errorf("%d after the end", a.StatusCode)
		}
		if got := v.watch(self).all(); len(got) != 1 || got[0] != "succeeded 0" {
			t.Errorf("who never saw the end sees %v", got)
		}
	})
}

func TestEventsSayThatTheyLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t).listen()
		v.h.Heartbeat = 10 * time.Second
		self := v.post()
		start := time.Now()
		w := v.watch(self)
		w.next()
		for i := range 6 {
			e, more := w.next()
			if at := time.Since(start); !more || !e.comment || at != time.Duration(i+1)*10*time.Second {
				t.Errorf("%+v after %v", e, at)
			}
		}
		w.close()
	})
}

// ReadTimeout and WriteTimeout are for slow clients. A stream, or a wait, on a job that
// takes long is none.
func TestRow_G1_WhoWaitsOutlivesTheServersTimeouts(t *testing.T) {
	for name, protocol := range map[string][]func(*http.Server, *http.Transport){
		"HTTP/1.1": {hasty}, "HTTP/2": {hasty, http2}, "HTTP/1.1 without timeouts": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newSite(t).listen(protocol...)
				self := v.post()
				for range 3 { // on one connection
					a := v.ask("GET", self, "", "Prefer", "wait=15")
					if body := drained(t, a); a.StatusCode != 200 || !strings.Contains(body, "queued") {
						t.Errorf("%d %s", a.StatusCode, body)
					}
					time.Sleep(40 * time.Second) // beyond any deadline of the wait
					if a := v.ask("POST", "/jobs", "{}"); a.StatusCode != 202 {
						t.Errorf("the next request of the connection: %d", a.StatusCode)
					}
				}
				w := v.watch(self)
				w.next()
				l := v.Claim()
				go func() {
					time.Sleep(10 * time.Minute)
					v.Succeed(l, plan{12})
				}()
				seen := w.all()
				if beats := len(seen) - 2; seen[0] != "running 0" || seen[len(seen)-1] != "succeeded 0" || beats < 30 {
					t.Errorf("%d: %v", len(seen), slices.Compact(seen))
				}
				if a := v.ask("GET", self+"/result", ""); drained(t, a) != `{"Order":12}` {
					t.Errorf("%d", a.StatusCode)
				}
			})
		})
	}
}

// nobodyWaits fails unless a stream may begin where one is the most.
func (v *service) nobodyWaits(self string) {
	v.Helper()
	synctest.Wait()
	v.watch(self).close()
	synctest.Wait()
}

func TestRow_G1_AClientThatDoesntReadHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t).listen()
		v.h.MaxWaiting = 1
		self := v.post()
		deaf := v.connect()
		defer deaf.Close()
		fmt.Fprintf(deaf, "GET %s/events HTTP/1.1\r\nHost: x\r\nTenant: zeta\r\n\r\n", self)
		synctest.Wait()
		v.expect(v.do("GET", self+"/events", ""), 429, "too-many-waiting")
		time.Sleep(time.Minute)
		v.nobodyWaits(self)
	})
}

func TestAClientThatHasGoneHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t).listen()
		v.h.MaxWaiting = 1
		self := v.post()
		w := v.watch(self)
		w.next()
		a := v.ask("GET", self, "", "Prefer", "wait=10")
		if drained(t, a); a.StatusCode != 429 {
			t.Errorf("a second one waits: %d", a.StatusCode)
		}
		other := v.do("GET", v.post("Tenant", "eta"), "", "Tenant", "eta", "Prefer", "wait=1")
		v.expect(other, 200, "") // the limit is each tenant's
		w.close()
		v.nobodyWaits(self)

		ctx, cancel := context.WithCancel(t.Context())
		r := request("GET", self, "", "Prefer", "wait=10").WithContext(ctx)
		go func() { time.Sleep(time.Second); cancel() }()
		start := time.Now()
		v.serve(v.h, r)
		if took := time.Since(start); took != time.Second {
			t.Errorf("a wait outlives its client by %v", took-time.Second)
		}
	})
}

// A browser stays away from a server that answers with an error, for good. So a stream
// outlasts a store that is away.
func TestEventsOutlastAStoreThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t).listen()
		self := v.post()
		w := v.watch(self)
		w.next()
		l := v.Claim()
		running, _ := w.next()
		time.Sleep(time.Second)
		away := time.Now().Add(5 * time.Minute)
		v.b.Inject(backendtest.Fault{Verb: backendtest.Lookup, Rate: func(int) bool { return time.Now().Before(away) }})
		v.Report(l, 40, "")
		go func() {
			time.Sleep(6 * time.Minute)
			v.Succeed(l, plan{12})
		}()
		seen := slices.DeleteFunc(w.all(), func(s string) bool { return s == ":" })
		if len(seen) == 0 || seen[len(seen)-1] != "succeeded 40" {
			t.Errorf("after %+v: %v", running, seen)
		}
		if n := v.b.Injected(backendtest.Lookup); n > 200 {
			t.Errorf("%d lookups in five minutes", n)
		}
	})
}

func TestEventsOfAJobThatIsNoLongerKeptEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t).listen()
		v.q.Retention = -1
		self := v.post()
		w := v.watch(self)
		w.next()
		v.Succeed(v.Claim(), plan{12})
		for _, e := range w.all() { // it may be quick enough to see something
			if e == ":" {
				t.Error(e)
			}
		}
		if a := v.ask("GET", self+"/events", ""); a.StatusCode != 404 {
			t.Errorf("%d", a.StatusCode)
		}
	})
}

// A batch changes with each of its members: a client is told ten times a second at most.
func TestEventsThatComeFastAreToldAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t).listen()
		self := v.post()
		w := v.watch(self)
		l := v.Claim()
		go func() {
			for i := range 1000 {
				time.Sleep(2 * time.Millisecond)
				v.Report(l, float64(i+1)/10, "")
			}
			v.Succeed(l, plan{12})
		}()
		seen := w.all()
		if n := len(seen); n > 24 || n < 15 || seen[n-1] != "succeeded 100" {
			t.Errorf("%d events, the last %v", n, seen[n-1])
		}
	})
}

// A stream ends after a while, so that whoever may no longer look is seen at the next.
func TestEventsAreAuthorisedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t).listen()
		self := v.post()
		start := time.Now()
		v.watch(self).all()
		if took := time.Since(start); took > time.Hour || took < 54*time.Minute {
			t.Errorf("ends after %v", took)
		}
	})
}

// Drain: a server that shuts down needn't wait for those who wait.
func TestDrainLetsAllGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t).listen()
		v.server.RegisterOnShutdown(v.h.Drain)
		self := v.post()
		w := v.watch(self)
		w.next()
		polled := make(chan int)
		go func() { polled <- v.ask("GET", self, "", "Prefer", "wait=20").StatusCode }()
		synctest.Wait()
		start := time.Now()
		go v.server.Shutdown(t.Context())
		if got := w.all(); len(got) != 0 {
			t.Errorf("events %v", got)
		}
		if code := <-polled; code != 200 {
			t.Errorf("long poll: %d", code)
		}
		w2 := v.do("GET", self, "", "Prefer", "wait=20")
		if v.expect(w2, 200, ""); time.Since(start) != 0 {
			t.Errorf("after %v", time.Since(start))
		}
	})
}

// Where nothing can be sent before the end, a stream is one event, and its client comes
// back for the next.
func TestEventsWithoutAFlush(t *testing.T) {
	s := newSite(t)
	self := s.post()
	got := &blunt{header: http.Header{}}
	s.h.ServeHTTP(got, request("GET", self+"/events", ""))
	if got.header.Get("Content-Type") != "text/event-stream" || strings.Count(got.body.String(), "\ndata: ") != 1 {
		t.Errorf("%v %s", got.header, got.body.String())
	}
}

// blunt is a ResponseWriter that can do no more than it must.
type blunt struct {
	header http.Header
	body   strings.Builder
}

func (b *blunt) Header() http.Header         { return b.header }
func (b *blunt) Write(p []byte) (int, error) { return b.body.Write(p) }
func (*blunt) WriteHeader(int)               {}
