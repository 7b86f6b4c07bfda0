package seam

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSchema(t *testing.T) {
	for stored, want := range map[string]struct {
		kind    string
		version int
	}{
		"":                          {"", 0},
		"plan":                      {"plan", 0},
		"plan@3":                    {"plan", 3},
		"plan@999":                  {"plan", 999},
		"@1":                        {"", 1},
		"πλάνο@12":                  {"πλάνο", 12},
		"a@b@7":                     {"a@b", 7},
		"42":                        {"42", 0},
		"plan@":                     {"plan@", 0}, // the rest is foreign, as it stands
		"plan@0":                    {"plan@0", 0},
		"plan@03":                   {"plan@03", 0},
		"plan@+3":                   {"plan@+3", 0},
		"plan@-3":                   {"plan@-3", 0},
		"plan@3 ":                   {"plan@3 ", 0},
		"plan@٣":                    {"plan@٣", 0},
		"plan@1_0":                  {"plan@1_0", 0},
		"plan@99999999999999999999": {"plan@99999999999999999999", 0},
		"someone@example.org":       {"someone@example.org", 0},
	} {
		if kind, version := Schema(stored); kind != want.kind || version != want.version {
			t.Errorf("%q: %q, version %d; want %q, %d", stored, kind, version, want.kind, want.version)
		}
	}
}

// Whatever a store holds, Schema loses nothing of it, and is the way back of Stored.
func FuzzSchema(f *testing.F) {
	f.Add("plan", 3)
	f.Add("plan@3", 0)
	f.Add("@", 1)
	f.Add("someone@example.org", 999)
	f.Fuzz(func(t *testing.T, s string, n int) {
		kind, version := Schema(s)
		if Stored(kind, version) != s || version < 0 {
			t.Errorf("%q is %q, version %d", s, kind, version)
		}
		if n <= 0 {
			return
		}
		if kind, version := Schema(Stored(s, n)); kind != s || version != n {
			t.Errorf("%q, version %d, comes back as %q, %d", s, n, kind, version)
		}
	})
}

// What has no kind and no version of ours isn't progress either: 0 to 100, rising.
func FuzzReport(f *testing.F) {
	f.Add(10.0, 5.0)
	f.Add(-1.0, 1e300)
	f.Fuzz(func(t *testing.T, first, then float64) {
		var a Attempt
		a.Report(backends.Progress{Percent: first, Text: "a"})
		before := a.Newest().Percent
		a.Report(backends.Progress{Percent: then, Text: "b"})
		p := a.Newest()
		if !(p.Percent >= before && p.Percent >= 0 && p.Percent <= 100) || p.Text != "b" {
			t.Errorf("%v, then %v: %+v", first, then, p)
		}
	})
}
