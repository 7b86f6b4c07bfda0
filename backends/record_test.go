package backends

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestState_Predicates(t *testing.T) {
	ends := []State{Succeeded, Dead, Cancelled, Superseded, Expired}
	for s := range Expired + 1 {
		if got, want := s.Ended(), slices.Contains(ends, s); got != want {
			t.Errorf("%v.Ended() = %v", s, got)
		}
		if got, want := s.Failed(), slices.Contains(ends[1:], s); got != want {
			t.Errorf("%v.Failed() = %v", s, got)
		}
		if got, want := s.Redrivable(), s == Dead || s == Cancelled; got != want {
			t.Errorf("%v.Redrivable() = %v", s, got)
		}
	}
}

// The names are read by people and kept by logs and metrics: they don't change.
func TestNames(t *testing.T) {
	for want, v := range map[string]fmt.Stringer{
		"none": State(0), "waiting": Waiting, "running": Running, "succeeded": Succeeded,
		"dead": Dead, "cancelled": Cancelled, "superseded": Superseded, "expired": Expired,
		"commit": Commit, "retry": Retry, "snooze": Snooze, "release": Release, "announced": Announced,
		"nothing": Debt(0), "event": Event, "write-back": WriteBack, "event+write-back": Event | WriteBack,
		"process": Process, "kernel": Kernel, "disk": Disk, "replicated": Replicated,
		"absent": Absent, "owing": Owing, "closed": Closed,
	} {
		if v.String() != want {
			t.Errorf("%T(%v) is not %q", v, v, want)
		}
	}
	for _, v := range []fmt.Stringer{State(8), Verb(6), Durability(0), Durability(5), Phase(5)} {
		if v.String() != "unknown" {
			t.Errorf("%T: %v", v, v)
		}
	}
}

// A list of failures prints as what an operator wants to read.
func TestFailure_String(t *testing.T) {
	fs := []Failure{{Attempt: 1, At: time.Now(), Text: "busy"}, {Attempt: 2, Text: "no such SKU"}}
	if got, want := fmt.Sprint(fs), "[attempt 1: busy attempt 2: no such SKU]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDebt_In(t *testing.T) {
	for _, c := range []struct {
		d, set Debt
		want   bool
	}{
		{0, 0, true},
		{0, Event, true},
		{Event, Event, true},
		{Event, 0, false},
		{Event, WriteBack, false},
		{Event | WriteBack, Event, false},
		{Event | WriteBack, Event | WriteBack, true},
	} {
		if c.d.In(c.set) != c.want {
			t.Errorf("%v in %v: %v", c.d, c.set, !c.want)
		}
	}
}

func TestLife_Phase(t *testing.T) {
	for want, l := range map[Phase][]Life{
		Absent: {{}},
		InWait: {waiting, held},
		InRun:  {running, lapsed, cancelling},
		Owing:  {debt},
		Closed: {closed, in(closed, Dead)},
	} {
		for _, l := range l {
			if l.Phase() != want {
				t.Errorf("%+v is %v, want %v", l, l.Phase(), want)
			}
		}
	}
}
