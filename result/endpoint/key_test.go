package endpoint

import (
	"strings"
	"testing"
)

func TestParseKey(t *testing.T) {
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{`"8e03978e-40d5-43dd-bc93-6894a57f9324"`, "8e03978e-40d5-43dd-bc93-6894a57f9324", true},
		{`8e03978e-40d5-43dd-bc93-6894a57f9324`, "8e03978e-40d5-43dd-bc93-6894a57f9324", true},
		{"\t a:b/c=1 ", "a:b/c=1", true},
		{`"two words, a; \"quote\" and a \\"`, `two words, a; "quote" and a \`, true},
		{`"` + strings.Repeat(`\"`, 255) + `"`, strings.Repeat(`"`, 255), true},
		{in: ""},
		{in: " "},
		{in: `"`},
		{in: `""`},
		{in: `"a`},
		{in: `"a\"`},
		{in: `"a"b`},
		{in: `"a" "b"`},
		{in: `"a";v=1`},
		{in: `a"b"`},
		{in: `a\b`},
		{in: `a,b`},
		{in: `"a` + "\n" + `"`},
		{in: `"ä"`},
		{in: "a\x7f"},
		{in: strings.Repeat("a", 256)},
		{in: `"` + strings.Repeat(`\"`, 256) + `"`},
	} {
		if got, ok := parseKey(c.in); got != c.want && ok || ok != c.ok {
			t.Errorf("%q: %q, %v; want %q, %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

// Whatever a client sends: a key is short and can be seen, it doesn't depend on how
// it is quoted, and two keys stay two.
func FuzzIdempotencyKey(f *testing.F) {
	for _, s := range []string{`"a"`, `a`, `"a\"b\\"`, `"`, `""`, `"a";b`, ` a `, "\x00", `a\`, `"a\`, strings.Repeat("k", 256)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, ok := parseKey(s)
		if !ok {
			return
		}
		if key == "" || len(key) > maxKey {
			t.Fatalf("%q: %d bytes", s, len(key))
		}
		for _, c := range []byte(key) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q: byte %x", s, c)
			}
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, ok := parseKey(quoted); !ok || again != key {
			t.Fatalf("%q is %q, and quoted %q, %v", s, key, again, ok)
		}
		if trimmed := strings.Trim(s, " \t"); trimmed != key && trimmed != quoted {
			t.Fatalf("%q is %q, and neither it nor its only spelling", s, key)
		}
	})
}
