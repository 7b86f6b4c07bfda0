package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
)

// racing says that the race detector makes the optimiser ten times slower: then there
// are fewer arrivals.
var racing bool

// sampleCast is the sample, played in so many seconds.
func sampleCast(t *testing.T, f flags, seconds float64) cast {
	t.Helper()
	c, err := casting(f)
	if err != nil {
		t.Fatal(err)
	}
	c.speed *= sampleSpan.Seconds() / seconds
	if racing {
		for name, all := range c.arrivals {
			c.arrivals[name] = all[:(len(all)+2)/3]
		}
	}
	return c
}

// The workers stop and start again twice, the topic fails for five seconds, then the
// bucket. Every promise is kept, once.
func TestNothingIsLostWhateverFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sampleCast(t, flags{partners: 4}, 20)
		s := newStage(t, c)
		defer s.close()
		s.background(s.weather)
		r := s.play(c)
		r.kept(t)
		if s.outage.met.Load() == 0 {
			t.Error("no call met an outage")
		}
		if told, err := s.daily(t.Context()); err != nil {
			t.Error(told, err)
		}
	})
}

// A hundred partners at once against a backlog limit: they are told to come again,
// nobody sees a 500, and memory stays where it was.
func TestAHundredPartnersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sampleCast(t, flags{partners: 100}, 2)
		s := newStage(t, c)
		defer s.close()
		s.queue.Backlog = 50
		before := heap()
		s.work()
		r := s.play(c)
		grown := heap() - before
		r.kept(t)
		if r.all.Refused == 0 {
			t.Error("nobody was told to come again")
		}
		t.Logf("%d promised, told %d times to come again, the heap grew by %d KiB", r.all.Promised, r.all.Refused, grown>>10)
		if grown > 64<<20 {
			t.Errorf("the heap grew by %d MiB", grown>>20)
		}
	})
}

// heap is what is alive, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What makes no sense is refused in words, before it is queued.
func TestAbsurdSettingsAreA422(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sampleCast(t, flags{}, 7)
		s := newStage(t, c)
		defer s.close()
		for body, want := range map[string]string{
			`{"screen":"a","items":[{"sku":"S001","stock":-1}],"lead":{"weeks":2,"spread":1}}`:    "items[0].stock must be",
			`{"screen":"a","items":[{"sku":"X999","stock":1}],"lead":{"weeks":2,"spread":1}}`:     `product \"X999\" of \"alpha\" has no history`,
			`{"screen":"a","items":[{"sku":"S001","stock":1}],"lead":{"weeks":-2}}`:               "lead.weeks must be",
			`{"screen":"a","items":[],"lead":{"weeks":2}}`:                                        "items must be",
			`{"screen":"a","items":[{"sku":"S001"}],"lead":{"weeks":2},"costs":{"lostSale":1e9}}`: "costs.lostSale must be",
			`{"screen":"a","items":[{"sku":"S001"}],"lead":{"weeks":2},"lifecycle":99}`:           "lifecycle must be",
			`{"screen":"a","items":[{"sku":"S001"},{"sku":"S001","stock":2}],"lead":{"weeks":2}}`: "each product may stand there once",
		} {
			if status, text := s.ask("POST", "/jobs", "alpha", body); status != 422 || !strings.Contains(text, want) {
				t.Errorf("%d %s, want %s", status, text, want)
			}
		}
		if status, _ := s.ask("POST", "/jobs", "", "{}"); status != 401 {
			t.Errorf("a stranger: %d", status)
		}
		if status, text := s.ask("GET", "/products", "nobody", ""); status != 200 || !strings.Contains(text, `"borrowed":true`) {
			t.Errorf("a newcomer's products: %d %s", status, text)
		}
		if status, text := s.ask("GET", "/", "alpha", ""); status != 200 || !strings.Contains(text, "What if?") {
			t.Errorf("the page: %d %s", status, text)
		}
		for _, path := range []string{"/ready", "/", "/products"} {
			if status, _ := s.ask("GET", path, "", ""); status != 401 {
				t.Errorf("%s for a stranger: %d", path, status)
			}
		}
		if status, _ := s.ask("GET", "/charts/none.svg", "", ""); status != 404 {
			t.Errorf("no chart: %d", status)
		}
	})
}

// ask makes one request.
func (s *stage) ask(method, path, user, body string) (status int, text string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://portal"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", `"a"`)
	if user != "" {
		r.SetBasicAuth(user, "")
	}
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	var all bytes.Buffer
	if _, err := all.ReadFrom(answer.Body); err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, all.String()
}

// The program as a person runs it, in a hurry.
func TestTheProgramSumsUpInOneLine(t *testing.T) {
	var out, live bytes.Buffer
	f, err := parse([]string{"-json", "-daily", "-partners", "3", "-speed", "1e7", "-results", "file://" + t.TempDir(), "-ready", "mem://line"}, &live)
	if err == nil {
		err = run(t.Context(), f, &out, &live)
	}
	if err != nil {
		t.Fatal(err)
	}
	var line map[string]float64
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("%v in %s", err, out.String())
	}
	if line["accepted"] == 0 || line["accepted"] != line["ready_events"] || line["succeeded"] != line["writebacks"] || line["lost"]+line["duplicated"] != 0 {
		t.Errorf("%s", out.String())
	}
}

func TestTheProgramTellsItsStory(t *testing.T) {
	var out, live bytes.Buffer
	f, err := parse([]string{"-daily", "-partners", "3", "-speed", "1e7", "-results", "file://" + t.TempDir(), "-ready", "mem://story"}, &live)
	if err == nil {
		err = run(t.Context(), f, &out, &live)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"3 partners on a synthetic sample", "gamma *", "lost 0, duplicated 0, wrong 0", "a chart of S", ".svg", "plans came out the same to the bit",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if !strings.Contains(live.String(), "accepted") {
		t.Errorf("no live line: %q", live.String())
	}
}

func TestFlagsThatMakeNoSense(t *testing.T) {
	for _, args := range [][]string{
		{"-demand", "x"},
		{"-speed", "-1"},
		{"-workers", "-1"},
		{"-workers", "0"},
		{"-work"},
		{"-work", "-queue", "awssqs://host/1/jobs", "-results", "s3://plans", "-ready", "awssns:///arn", "-workers", "0"},
		{"more"},
		{"-none"},
	} {
		if _, err := parse(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	if err := run(t.Context(), flags{demand: "none.csv", arrivals: "none.csv", workers: 1}, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
		t.Error("a file that isn't there was read")
	}
	if err := run(t.Context(), flags{partners: 1, quiet: true, workers: 1}, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
		t.Error("nobody played")
	}
	if err := run(t.Context(), flags{queue: "nothing://", workers: 1}, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
		t.Error("a queue of no backend was opened")
	}
}
