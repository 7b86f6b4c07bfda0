package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// racing says that the race detector makes the optimiser and SQLite ten times slower.
var racing bool

// line plays the story, and returns what it sums up.
func (s *stage) line() map[string]float64 {
	s.t.Helper()
	var out, live bytes.Buffer
	if err := s.play(s.t.Context(), s.flags, "http://portal", s.transport(), &out, &live); err != nil {
		s.t.Error(err)
	}
	return parsed(s.t, out.Bytes())
}

func parsed(t *testing.T, text []byte) (line map[string]float64) {
	t.Helper()
	if err := json.Unmarshal(text, &line); err != nil || bytes.Count(text, []byte("\n")) != 1 {
		t.Fatalf("%v in %q", err, text)
	}
	return line
}

// Every promise ends once, and as the story says.
func TestEveryPromiseIsKeptOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, memory())
		got := s.line()
		for name, want := range map[string]float64{
			"accepted": 32, "succeeded": 25, "superseded": 4, "cancelled": 1, "expired": 1, "dead": 1,
			"lost": 0, "duplicated": 0, "wrong": 0, "refused": 0, "streams": 30,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v: %v", name, got[name], want, got)
			}
		}
		s.end()
		s.close()
	})
}

// Hundreds at once: who finds the backlog full is told when to come again, and comes.
func TestAFullBacklogIsMetCalmly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := memory()
		f.watchers, f.pace = 60, 100*time.Millisecond // Hal's 24 products take longer than he has
		s := newStage(t, f, func(s *service) { s.queue.Backlog = 20 })
		if got := s.line(); got["refused"] == 0 || got["lost"]+got["duplicated"] != 0 || got["accepted"] != 72 {
			t.Errorf("%v", got)
		}
		s.end()
		s.close()
	})
}

// One file, twice: what is left of the first time is in nobody's way.
func TestTheStoryOnOneFile(t *testing.T) {
	if racing {
		t.Skip("SQLite is slow under the race detector")
	}
	file := "sqlite://" + t.TempDir() + "/jobs.db?queue=plans&synchronous=normal"
	for range 2 {
		var out, live bytes.Buffer
		f := flags{queue: file, pace: 100 * time.Millisecond, workers: 4, watchers: 6, json: true}
		if err := run(t.Context(), f, &out, &live); err != nil {
			t.Fatal(err)
		}
		got := parsed(t, out.Bytes())
		if got["accepted"] != 18 || got["lost"]+got["duplicated"]+got["wrong"] != 0 || got["expired"] != 1 || got["dead"] != 1 {
			t.Errorf("%v", got)
		}
	}
}

// The program as a person runs it.
func TestTheProgramTellsItsStory(t *testing.T) {
	var out, live bytes.Buffer
	f, err := parse([]string{"-watchers", "3", "-pace", "100ms"}, &live)
	if err == nil {
		err = run(t.Context(), f, &out, &live)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"11 callers", "Gil ", "3 watchers", "15 accepted", "lost 0, duplicated 0, wrong 0"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	for _, want := range []string{"accepted, looks again", "told 409: The job failed.", "Harbour has closed", "told 410", "promised 1 job"} {
		if !strings.Contains(live.String(), want) {
			t.Errorf("no %q in\n%s", want, live.String())
		}
	}
}

func TestFlagsThatMakeNoSense(t *testing.T) {
	for _, args := range [][]string{{"-pace", "-1s"}, {"-workers", "0"}, {"-watchers", "-1"}, {"-serve", "localhost:0", "-json"}, {"more"}, {"-none"}} {
		if _, err := parse(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	for _, f := range []flags{{queue: "nothing://"}, {queue: "memory://?queue=a", workers: 1, serve: "nowhere:-1"}} {
		if err := run(t.Context(), f, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%+v runs", f)
		}
	}
}
