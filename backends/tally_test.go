package backends

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRule_R14_TallyLetsGoWhenAllHaveEnded(t *testing.T) {
	n := NewTally(&Batch{Hold: 1, Tolerate: -1})
	for range 3 {
		n.Join(true)
	}
	n.Leave(Succeeded)
	n.Leave(Dead)
	if n.Seal(); !n.Holds() {
		t.Fatal("one is missing")
	}
	if n.Seal(); !n.Holds() {
		t.Fatal("sealed twice, counted twice")
	}
	if n.Leave(Expired); n.Holds() {
		t.Fatal("all have ended")
	}
	want := &BatchProgress{Members: 3, Ended: 3, Failed: 2, Sealed: true}
	if d := cmp.Diff(want, n.Progress()); d != "" {
		t.Error(d)
	}
}

func TestRule_R14_TallyToleratesSoMany(t *testing.T) {
	for _, tolerate := range []int32{0, 1, 5} {
		n := NewTally(&Batch{Hold: 1, Tolerate: tolerate})
		for range 20 {
			n.Join(true)
		}
		for failed := int32(1); n.Holds(); failed++ {
			if n.Leave(Dead); n.Holds() != (failed <= tolerate) {
				t.Errorf("tolerates %d: after %d failures it holds: %v", tolerate, failed, n.Holds())
				break
			}
		}
	}
}

func TestRule_R14_TallyAndLateMembers(t *testing.T) {
	n := NewTally(&Batch{Hold: 1})
	n.Leave(Dead) // fail fast: let go
	if n.Join(false); n.Holds() {
		t.Error("a member that comes later caught it again")
	}
	for name, tt := range map[string]struct {
		n    *Tally
		s    State
		want error
	}{
		"takes it":    {NewTally(&Batch{Hold: 1}), Waiting, nil},
		"no batch":    {nil, Waiting, ErrNotFound},
		"ended":       {NewTally(&Batch{Hold: 1}), Succeeded, ErrEnded},
		"born sealed": {NewTally(&Batch{Hold: 1, Sealed: true}), Waiting, ErrSealed},
	} {
		if err := tt.n.Refuses(tt.s); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if NewTally(nil) != nil || NewTally(&Batch{Member: Ref{ID: "1"}}) != nil {
		t.Error("a member alone collates nothing")
	}
	if NewTally(&Batch{Hold: 1, Sealed: true}).Holds() {
		t.Error("an empty batch holds nothing")
	}
	if (*Tally)(nil).Progress() != nil || (*Tally)(nil).Holds() {
		t.Error("of a job without members")
	}
}
