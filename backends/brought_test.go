package backends

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSettlement_Brings(t *testing.T) {
	const now = 7
	running := Life{State: Running, Leased: true, Token: 1, Attempt: 3}
	waits, dead, succeeded, cancelled := running, running, running, running
	waits.State, dead.State, succeeded.State, cancelled.State = Waiting, Dead, Succeeded, Cancelled
	owing := succeeded
	owing.Owes = Event
	failure := &Failure{Attempt: 3, At: time.Unix(0, now), Text: "no stock"}
	for name, tt := range map[string]struct {
		from, to Life
		s        Settlement
		want     Brought
	}{
		"a result":             {running, succeeded, Settlement{Verb: Commit, Outcome: Succeeded, Result: []byte("42"), Reason: "-"}, Brought{Result: []byte("42")}},
		"one that lies aside":  {running, succeeded, Settlement{Verb: Commit, Outcome: Succeeded, Stored: "key"}, Brought{Stored: "key"}},
		"a retry":              {running, waits, Settlement{Verb: Retry, Error: "no stock", Result: []byte("-")}, Brought{Failure: failure}},
		"given up":             {running, dead, Settlement{Verb: Commit, Outcome: Dead, Error: "no stock", Reason: "permanent", Result: []byte("-")}, Brought{Failure: failure, Reason: "permanent"}},
		"a mark came first":    {running, cancelled, Settlement{Verb: Commit, Outcome: Succeeded, Result: []byte("42")}, Brought{}},
		"and the attempt had":  {running, cancelled, Settlement{Verb: Commit, Outcome: Dead, Error: "no stock", Reason: "permanent"}, Brought{Failure: failure}},
		"refused":              {running, running, Settlement{Verb: Commit, Outcome: Dead, Error: "no stock"}, Brought{}},
		"its event was shaky":  {owing, succeeded, Settlement{Verb: Retry, Error: "topic is away"}, Brought{}},
		"ended by an operator": {running, cancelled, Settlement{Verb: Commit, Outcome: Cancelled, Reason: "no longer needed"}, Brought{Reason: "no longer needed"}},
	} {
		if d := cmp.Diff(tt.want, tt.s.Brings(tt.from, tt.to, now)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestKeepFailure_TheFirstAndTheNewest(t *testing.T) {
	var all []Failure
	for i := range MaxFailures + 8 {
		before := all
		if all = KeepFailure(all, Failure{Attempt: i}); len(before) > 0 && before[0].Attempt != 0 {
			t.Fatal("a snapshot has changed")
		}
	}
	var got []int
	for _, f := range all {
		got = append(got, f.Attempt)
	}
	want := []int{0}
	for i := 9; i < MaxFailures+8; i++ {
		want = append(want, i)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("kept %v", got)
	}
}
