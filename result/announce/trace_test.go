package announce

import (
	"strings"
	"testing"
)

func TestTraceContextTravelsIfWellFormed(t *testing.T) {
	for name, c := range map[string]struct{ parent, state, wantParent, wantState string }{
		"both":             {parent, "a=1", parent, "a=1"},
		"no state":         {parent, "", parent, ""},
		"no parent":        {"", "a=1", "", ""},
		"upper case":       {strings.ToUpper(parent), "a=1", "", ""},
		"too long":         {parent + "-00", "", "", ""},
		"the last version": {"ff" + parent[2:], "", "", ""},
		"a line break":     {parent, "a=1\r\nb=2", parent, ""},
		"a long state":     {parent, "a=" + strings.Repeat("1", 511), parent, ""},
		"no ASCII":         {parent, "a=é", parent, ""},
	} {
		p, s := trace(map[string]string{"traceparent": c.parent, "tracestate": c.state, "other": "x"})
		if p != c.wantParent || s != c.wantState {
			t.Errorf("%s: %q, %q", name, p, s)
		}
	}
}
