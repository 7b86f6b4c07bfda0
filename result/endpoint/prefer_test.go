package endpoint

import (
	"net/http"
	"testing"
	"time"
)

func TestPrefer_IsRead(t *testing.T) {
	for prefer, want := range map[string]wish{
		"":                               {},
		"wait=10":                        {false, 10 * time.Second},
		"respond-async, wait=10":         {true, 10 * time.Second},
		"WAIT = 3 ; foo=bar":             {false, 3 * time.Second},
		`wait="7"`:                       {false, 7 * time.Second},
		"wait=0":                         {},
		"wait=-1":                        {},
		"wait=1.5":                       {},
		"wait=ten":                       {},
		"wait":                           {},
		"wait=10, wait=20":               {false, 10 * time.Second},
		"wait=99999999999999999999":      {false, time.Hour},
		"handling=lenient;respond-async": {},
		"Respond-Async":                  {true, 0},
	} {
		if got := wishOf(http.Header{"Prefer": {prefer}}); got != want {
			t.Errorf("%q: %+v", prefer, got)
		}
	}
}

func FuzzPrefer(f *testing.F) {
	for _, s := range []string{
		"", "wait=10", "respond-async,wait=5", `wait="7"`, "wait=-1", "wait=1e9", "wait=99999999999999999999", "WAIT = 3 ; foo=bar , respond-async",
		"wait", "wait=", "wait=\x00", ",,,,", "wait=0x10", "wait=１", "return=minimal; foo, wait=1, wait=2",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, prefer string) {
		got := wishOf(http.Header{"Prefer": {prefer}})
		if got.wait < 0 || got.wait > time.Hour || got.wait%time.Second != 0 {
			t.Errorf("%q: %+v", prefer, got)
		}
		if again := wishOf(http.Header{"Prefer": {prefer, "wait=1"}}); again.async != got.async || got.wait > 0 && again.wait != got.wait {
			t.Errorf("%q: %+v, and with another line %+v", prefer, got, again)
		}
	})
}
