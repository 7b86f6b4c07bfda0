package backends

import (
	"math"
	"testing"
	"time"
)

func TestJob_Times(t *testing.T) {
	at := func(d time.Duration) time.Time { return time.Unix(0, now).Add(d) }
	for _, c := range []struct {
		name  string
		job   Job
		start int64
	}{
		{"now", Job{}, now},
		{"delayed", Job{Delay: lease}, until},
		{"due later", Job{Due: at(lease)}, until},
		{"due before", Job{Due: at(-time.Hour)}, now},
		{"due before, delayed", Job{Due: at(-time.Hour), Delay: lease}, until},
		{"due later, delayed", Job{Due: at(time.Second), Delay: lease}, until + int64(time.Second)},
		{"due in antiquity: past is now", Job{Due: time.Date(100, 1, 1, 0, 0, 0, 0, time.UTC)}, now},
		{"due in the year 1500", Job{Due: time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC)}, now},
		{"the far end", Job{Due: maxDue, Delay: maxSpan}, math.MaxInt64},
	} {
		if got := c.job.Start(now); got != c.start {
			t.Errorf("%s: start %d, want %d (%v)", c.name, got, c.start, time.Unix(0, got).UTC())
		}
	}
	if got := (&Job{}).Deadline(now); got != 0 {
		t.Errorf("no deadline: %d", got)
	}
	if got := (&Job{Expiry: lease}).Deadline(now); got != until {
		t.Errorf("deadline %d", got)
	}
}

func TestRef_IsZero(t *testing.T) {
	if !(Ref{}).IsZero() || (Ref{Tenant: "t"}).IsZero() || (Ref{ID: "i"}).IsZero() {
		t.Error("only the zero Ref names no job")
	}
}

// Ids of members lie in stores and brokers: a splitter of another version must
// find the same ones. The golden values come from another implementation:
// base32(HMAC-SHA256(seed, i as eight bytes, big endian)[:20]).
func TestRule_R14_MemberID(t *testing.T) {
	for _, c := range []struct {
		seed string
		i    int
		want string
	}{
		{"seed", 0, "A7IRD2CX7T47QNP3HVSRMHRNGEHVIDTE"},
		{"seed", 1, "IJL7YT7VIB76Z3PUDBQ5CRJKOQOQ4CSW"},
		{"seed", math.MaxInt32, "XGAJJJXB4FS2ZKHLXWRTX2M4ET6ZLQBW"},
		{"other", 0, "2V3UYZOAKDPXYFDBY7UVIWB6PX6LRMSV"},
		{"", 0, "6N2RQCV2SKEIIAPRSGN6JKDRLJRHMO3F"},
	} {
		if got := MemberID(c.seed, c.i); got != c.want {
			t.Errorf("MemberID(%q, %d) = %s, want %s", c.seed, c.i, got, c.want)
		}
	}
	seen := map[string]bool{}
	for i := range 10_000 {
		seen[MemberID("seed", i)] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("%d ids of 10,000 members", len(seen))
	}
	j := Job{Ref: Ref{ID: MemberID(longest, math.MaxInt32)}, Batch: &Batch{Seed: longest, Index: math.MaxInt32}}
	if err := j.Check(Features{}); err != nil {
		t.Error(err)
	}
}
