package services

import (
	"fmt"
	"strings"
	"testing"
)

// ended is a test whose end is noted.
type ended struct {
	testing.TB
	how string
}

func (e *ended) Helper()                      {}
func (e *ended) Skipf(form string, a ...any)  { e.end("skipped: "+form, a...) }
func (e *ended) Fatalf(form string, a ...any) { e.end("failed: "+form, a...) }

// end notes the first: a real test goes no further.
func (e *ended) end(form string, a ...any) {
	if e.how == "" {
		e.how = fmt.Sprintf(form, a...)
	}
}

func (e *ended) says(t *testing.T, how string) {
	t.Helper()
	if !strings.HasPrefix(e.how, how) {
		t.Errorf("the test is %q, not %q", e.how, how)
	}
	e.how = ""
}

// What is missing ends a test visibly, and says how to get it; where all must be there,
// the test fails.
func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Setenv("LEAT_SERVICES", "")
	t.Setenv("LEAT_NOTHING", "")
	var e ended
	if at := Program(&e, "install it", "no-such-program", "go"); !strings.Contains(at, "go") || e.how != "" {
		t.Errorf("%q, %q", at, e.how)
	}
	Program(&e, "install it", "no-such-program")
	e.says(t, `skipped: none of the programs ["no-such-program"] is here: install it`)
	URL(&e, "LEAT_NOTHING")
	e.says(t, "skipped: LEAT_NOTHING names no server")
	t.Setenv("LEAT_SERVICES", "required")
	Program(&e, "install it", "no-such-program")
	e.says(t, "failed: none of the programs")
	URL(&e, "LEAT_NOTHING")
	e.says(t, "failed: LEAT_NOTHING names no server")
	t.Setenv("LEAT_NOTHING", "http://here")
	if at := URL(&e, "LEAT_NOTHING"); at != "http://here" {
		t.Error(at)
	}
}
