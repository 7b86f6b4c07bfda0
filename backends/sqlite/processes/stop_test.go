//go:build unix

package processes

import (
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/plant"
)

const stopSlots = 16

// TestRecovery_E2 ends a worker by SIGTERM as it runs as many jobs as it can. It is gone
// in time, and what it gave back runs elsewhere within a second, by the same attempt.
func TestRecovery_E2(t *testing.T) {
	stops := plant.Size("LEAT_STOPS", 2, 5)
	var elsewhere, gone time.Duration
	for i := range stops {
		e, g := stopOne(t)
		elsewhere, gone = max(elsewhere, e), max(gone, g)
		if t.Failed() {
			t.Fatalf("in stop %d", i)
		}
	}
	t.Logf("%d stops: the last job started elsewhere after %v, and the slowest process was gone after %v", stops, elsewhere, gone)
}

func stopOne(t *testing.T) (elsewhere, gone time.Duration) {
	folder := t.TempDir()
	plan := Plan{
		Folder: folder, Name: "first", Lease: 30 * time.Second, Slots: stopSlots, MaxCrashes: 3,
		Takes: time.Minute, Grace: 100 * time.Millisecond,
	}
	q := look(t, plan)
	defer q.Close()
	var odd []int
	first := startHolder(t, plan)
	for n := 1; n < 2*stopSlots; n += 2 { // those that heed their context
		odd = append(odd, n)
		ask(t, q, n, n+1)
	}
	until(t, 20*time.Second, "all run", func() bool { return len(first.runs()) == len(odd) })
	plan.Name, plan.Takes = "second", 0
	second := startHolder(t, plan)
	until(t, 20*time.Second, "another is ready", second.isReady)
	at := time.Now()
	first.send(syscall.SIGTERM)
	until(t, 20*time.Second, "it is gone", first.over)
	if gone = time.Since(at); first.err != nil {
		t.Errorf("it ended with %v", first.err)
	}
	until(t, 20*time.Second, "all run elsewhere", func() bool { return len(second.runs()) == len(odd) })
	for _, r := range second.runs() {
		elsewhere = max(elsewhere, r.at.Sub(at))
		if r.attempt != 1 {
			t.Errorf("job %d runs elsewhere as attempt %d", r.n, r.attempt)
		}
	}
	if elsewhere > time.Second || gone > plan.Grace+2*time.Second { // and kill, and a second
		t.Errorf("elsewhere after %v, gone after %v", elsewhere, gone)
	}
	until(t, 20*time.Second, "all is done", func() bool { return quiet(t, q) })
	second.stop()
	for n, r := range records(t, q) {
		var got Result
		if err := json.Unmarshal(r.Result, &got); r.State != backends.Succeeded || err != nil || got.By != "second" {
			t.Errorf("job %d is %v with %q", n, r.State, r.Result)
		}
	}
	return elsewhere, gone
}

// TestProcessKiller_E5: a job that kills its process, whoever runs it, is dead after
// three, and the others are done.
func TestProcessKiller_E5(t *testing.T) {
	const killers = 2
	innocent := plant.Size("LEAT_POISON", 20, 100)
	folder := t.TempDir()
	plan := Plan{Folder: folder, Lease: time.Second, Slots: 4, MaxCrashes: 3, Killers: killers}
	q := look(t, plan)
	defer q.Close()
	ask(t, q, 0, killers+innocent)
	var all, living []*holder
	begin := func() *holder {
		plan.Name = fmt.Sprintf("process-%d", len(all))
		h := startHolder(t, plan)
		all = append(all, h)
		return h
	}
	living = append(living, begin(), begin())
	deaths := 0
	until(t, 60*time.Second, "all have ended", func() bool {
		for i, h := range living {
			if h.over() {
				deaths++
				living[i] = begin()
			}
		}
		return quiet(t, q)
	})
	for _, h := range living { // one whose lease lapsed as it was slow may still run a killer
		h.send(syscall.SIGTERM)
		<-h.ended
	}
	runs := map[int]int{}
	for _, h := range all {
		for _, r := range h.runs() {
			runs[r.n]++
		}
	}
	for n, r := range records(t, q) {
		switch {
		case n >= killers && r.State != backends.Succeeded:
			t.Errorf("job %d, which is innocent, is %v (%s) after %d runs", n, r.State, r.Reason, runs[n])
		case n < killers && (r.State != backends.Dead || r.Reason != backends.ReasonCrashed || runs[n] != 3):
			t.Errorf("killer %d is %v (%s) after %d runs, want dead after 3", n, r.State, r.Reason, runs[n])
		}
	}
	t.Logf("%d processes died, %d innocent jobs are done", deaths, innocent)
}
