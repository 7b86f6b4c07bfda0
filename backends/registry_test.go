package backends

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// canary stands for a secret. It can't be a scheme, which errors may name.
const canary = "c4n4ry_7f3a"

func opener(seen *string) Opener {
	return func(_ context.Context, u *url.URL) (Backend, error) {
		*seen = u.String()
		return plain{}, nil
	}
}

func TestMux(t *testing.T) {
	var a, b string
	var m Mux
	if len(m.Schemes()) != 0 {
		t.Errorf("empty: %v", m.Schemes())
	}
	m.Register("b", opener(&b))
	m.Register("a", opener(&a))
	if got := m.Schemes(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("schemes %v", got)
	}
	const raw = "a://user:pw@host/path?queue=q"
	if got, err := m.Open(t.Context(), raw); err != nil || got != (plain{}) {
		t.Errorf("%v, %v", got, err)
	}
	if a != raw || b != "" {
		t.Errorf("opened %q, %q", a, b)
	}
	if _, err := m.Open(t.Context(), "B:"); err != nil {
		t.Errorf("schemes have no case: %v", err)
	}
}

func TestMux_Default(t *testing.T) {
	const scheme = "default-mux-test"
	var seen string
	Register(scheme, opener(&seen))
	t.Cleanup(func() { delete(Default.openers, scheme) })
	if _, err := Open(t.Context(), scheme+"://x"); err != nil || seen != scheme+"://x" {
		t.Errorf("%q, %v", seen, err)
	}
	if !slices.Contains(Default.Schemes(), scheme) {
		t.Errorf("schemes %v", Default.Schemes())
	}
	var own Mux
	if _, err := own.Open(t.Context(), scheme+"://x"); !errors.Is(err, ErrInvalid) {
		t.Errorf("another Mux has it too: %v", err)
	}
}

func TestMux_RegisterPanicsOnMistakes(t *testing.T) {
	var seen string
	for name, c := range map[string]struct {
		scheme string
		open   Opener
	}{
		"twice":     {"taken", opener(&seen)},
		"no scheme": {"", opener(&seen)},
		"no opener": {"free", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var m Mux
			m.Register("taken", opener(&seen))
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
				if got := m.Schemes(); !slices.Equal(got, []string{"taken"}) {
					t.Errorf("schemes %v", got)
				}
			}()
			m.Register(c.scheme, c.open)
		})
	}
}

// Who forgot to import a driver of ours reads the line that is missing.
func TestMux_NamesTheImportOfItsOwnDrivers(t *testing.T) {
	for _, c := range []struct{ raw, says string }{
		{"memory://?queue=q", `invalid URL: no driver for scheme "memory"; import _ "github.com/leat-go/leat/backends/memory"`},
		{"SQLite:///" + canary + "?queue=q", `invalid URL: no driver for scheme "sqlite"; import _ "github.com/leat-go/leat/backends/sqlite"`},
		{"awssqs://sqs.eu-west-1.amazonaws.com/1/jobs", `invalid URL: no driver for scheme "awssqs"; import _ "github.com/leat-go/leat/backends/broker/sqs"`},
		{"nosuch://h", `invalid URL: no driver for scheme "nosuch" is registered (have: none)`},
		{"jobs.db?queue=q", "invalid URL: has no scheme, which names its driver, as memory:// does"},
	} {
		_, err := Open(t.Context(), c.raw)
		if err == nil || err.Error() != c.says || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want %s", c.raw, err, c.says)
		}
	}

	// An import registers with the default Mux, so it would not help here.
	var seen string
	var own Mux
	own.Register("b", opener(&seen))
	own.Register("a", opener(&seen))
	_, err := own.Open(t.Context(), "memory://")
	if want := `invalid URL: no driver for scheme "memory" is registered (have: a, b)`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// The table of our drivers has each that registers a scheme, under its folder, and
// no other: an import that isn't there is bad advice.
func TestMux_KnowsEveryDriverOfTheRepository(t *testing.T) {
	register := regexp.MustCompile(`backends\.Register\("([^"]+)"`)
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range register.FindAllStringSubmatch(string(text), -1) {
			found[m[1]] = true
			if room := "backends/" + filepath.ToSlash(filepath.Dir(path)); rooms[m[1]] != room {
				t.Errorf("%s opens %q: the table in registry.go says %q", room, m[1], rooms[m[1]])
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for scheme, room := range rooms {
		if !found[scheme] {
			t.Errorf("the table in registry.go says that %s opens %q: it doesn't", room, scheme)
		}
	}
}

// open parses the parameters as a driver does, so that its errors are seen too.
func open(t testing.TB, raw string) error {
	t.Helper()
	var m Mux
	m.Register("known", func(_ context.Context, u *url.URL) (Backend, error) {
		_, err := Params(u, "sync")
		return plain{}, err
	})
	_, err := m.Open(t.Context(), raw)
	if err != nil && !errors.Is(err, ErrInvalid) {
		t.Errorf("untyped error %v", err)
	}
	return err
}

func TestMux_ErrorsKeepSecrets(t *testing.T) {
	for name, c := range map[string]struct{ raw, says string }{
		"unknown scheme":             {"nosuch://user:" + canary + "@host/db", `no driver for scheme "nosuch"`},
		"no scheme":                  {"/" + canary, "no scheme"},
		"keyword DSN":                {"host=db password=" + canary, "no scheme"},
		"empty":                      {"", "no scheme"},
		"malformed port":             {"known://user:" + canary + "@host:port", "parsed"},
		"malformed escape":           {"known://user:%zz" + canary + "@host", "parsed"},
		"control character":          {"known://user:" + canary + "\x7f@host", "parsed"},
		"unescaped slash":            {"known://user:/" + canary + "@host", ""},
		"colon in the first segment": {"host db:" + canary, "parsed"},
		"unknown parameter":          {"known://u:" + canary + "@h?nosuch=" + canary, `unknown parameter "nosuch"`},
		"parameter twice":            {"known://h?sync=" + canary + "&sync=" + canary, `"sync" is given twice`},
		"malformed query":            {"known://h?sync=" + canary + "%zz", "malformed query"},
		"semicolons":                 {"known://h?sync=1;password=" + canary, "malformed query"},
		"unescaped ? in a password":  {"known://user:1?" + canary + "@host/db", ""},
		"unescaped ?= in a password": {"known://user:1?" + canary + "=x@host/db", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := open(t, c.raw)
			if err == nil {
				if c.says != "" {
					t.Errorf("accepted; want %q", c.says)
				}
				return
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("tells the secret: %v", err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
		})
	}
}

// A driver takes what is its own and hands on the rest, which may refuse.
func TestTake(t *testing.T) {
	for _, c := range []struct{ name, raw, taken, rest string }{
		{"nothing there", "b://u:p@h/x", "", "b://u:p@h/x"},
		{"nothing of mine", "b://h?queue=q&sync=off", "", "b://h?queue=q&sync=off"},
		{"one of mine", "b://u:p@h/x?queue=q&wait=1#f", "wait=1", "b://u:p@h/x?queue=q#f"},
		{"all of it", "b://h?records=r&wait=1", "records=r&wait=1", "b://h"},
		{"escaped", "b://h?records=a%3A%2F%2Fb%3Fc%3Dd&q=%26", "records=a%3A%2F%2Fb%3Fc%3Dd", "b://h?q=%26"},
		{"given twice: both", "b://h?wait=1&x=1&wait=2&x=2", "wait=1&wait=2", "b://h?x=1&x=2"},
		{"empty values", "b://h?wait&x", "wait=", "b://h?x="},
		{"case matters", "b://h?WAIT=1", "", "b://h?WAIT=1"},
	} {
		u, err := url.Parse(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		taken, rest, err := Take(u, "records", "wait")
		if err != nil || taken.Encode() != c.taken || rest.String() != c.rest {
			t.Errorf("%s: %q, %v, %v", c.name, taken.Encode(), rest, err)
		}
		if u.String() != c.raw {
			t.Errorf("%s: changed the caller's to %v", c.name, u)
		}
	}
	for _, query := range []string{"wait=%zz" + canary, "wait=1;" + canary} {
		taken, rest, err := Take(&url.URL{Scheme: "b", RawQuery: query}, "wait")
		wantField(t, query, err, "URL")
		if taken != nil || rest != nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, %v, %v", query, taken, rest, err)
		}
	}
}

func TestParams(t *testing.T) {
	for raw, want := range map[string]string{
		"known://h":                   "",
		"known://h?":                  "",
		"known://h?queue=q":           "queue=q",
		"known://h?sync=off":          "sync=off",
		"known://h?queue=q&sync=off":  "queue=q&sync=off",
		"known://h?sync=a%26b%3Dc":    "sync=a%26b%3Dc",
		"known://h?sync":              "sync=",
		"known://h?SYNC=off":          "error",
		"known://h?queue=q&queue=r":   "error",
		"known://h?queue=q&nosuch=on": "error",
		"known://h?=x":                "error",
		"known://h?sync=%zz":          "error",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Params(u, "sync")
		if (err != nil) != (want == "error") || err == nil && got.Encode() != want {
			t.Errorf("%s: %q, %v", raw, got.Encode(), err)
		}
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: untyped %v", raw, err)
		}
	}
}

// A parameter is named if it may be a name, and what is known is listed.
func TestParams_SaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ query, known, says string }{
		{"max-Wait_2.0=1", "sync", `invalid URL: unknown parameter "max-Wait_2.0" (known: queue, sync)`},
		{"x=1", "", `invalid URL: unknown parameter "x" (known: queue)`},
		{canary + "@host=1", "sync", `invalid URL: unknown parameter "…" (known: queue, sync)`},
		{canary + "/db", "sync", `invalid URL: unknown parameter "…" (known: queue, sync)`},
		{"=1", "sync", `invalid URL: unknown parameter "" (known: queue, sync)`},
	} {
		_, err := Params(&url.URL{RawQuery: c.query}, strings.Fields(c.known)...)
		if err == nil || err.Error() != c.says {
			t.Errorf("%s: %v, want %s", c.query, err, c.says)
		}
	}
}
