package webhook

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestNewSecretsAreRandomAndRevealed(t *testing.T) {
	a, b := NewSecret(), NewSecret()
	if a.Reveal() == b.Reveal() || a.isZero() {
		t.Error("two are equal, or empty")
	}
	if got := secret(t, a.Reveal()); got.Reveal() != a.Reveal() {
		t.Error("what Reveal shows is another")
	}
	if vector.secret != secret(t, vector.secret).Reveal() {
		t.Error("what ParseSecret takes is shown otherwise")
	}
}

func TestParseSecretRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a prefix": "whsec_", "no prefix": vector.secret[6:], "another prefix": "whsk_" + vector.secret[6:],
		"23 bytes": "whsec_" + strings.Repeat("AAAA", 7) + "AAA=", "65 bytes": "whsec_" + strings.Repeat("AAAA", 21) + "AAA=",
		"a line break": "whsec_MfKQ9r8GKYqr\nTwjUPD8ILPZIo2LaLaSw", "no base64": "whsec_" + strings.Repeat("!", 32),
		"what is hidden": hidden, "loose bits": "whsec_" + strings.Repeat("AAAA", 8) + "AB==",
	} {
		if s, err := ParseSecret(text); !errors.Is(err, ErrSecret) || !s.isZero() {
			t.Errorf("%s: %v", name, err)
		} else if len(text) > 6 && strings.Contains(err.Error(), text) {
			t.Errorf("%s: quoted in %q", name, err)
		}
	}
	var s Secret
	if err := json.Unmarshal([]byte(`"`+vector.secret+`"`), &s); err != nil || s.Reveal() != vector.secret {
		t.Errorf("a configuration in JSON: %v", err)
	}
}

// TestG1_ASecretShowsNowhere, however it is printed, by itself or inside of something.
func TestG1_ASecretShowsNowhere(t *testing.T) {
	s := secret(t, vector.secret)
	e := Endpoint{URL: "https://example.com", Secrets: []Secret{s}}
	hidden := struct{ inside, e any }{s, e} // of whose fields fmt calls no method
	unexported := struct{ s Secret }{s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%10.3s"} {
		fmt.Fprintf(&out, verb+" ", s)
		fmt.Fprintf(&out, verb+" ", &s)
		fmt.Fprintf(&out, verb+" ", e)
		fmt.Fprintf(&out, verb+" ", &e)
		fmt.Fprintf(&out, verb+" ", unexported)
		fmt.Fprintf(&out, verb+" ", hidden)
	}
	fmt.Fprintln(&out, s, &s, e, s.String())
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("secret", "s", s, "p", &s, "e", e, "all", e.Secrets)
	}
	for _, encode := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		for _, v := range []any{s, &s, e} {
			b, err := encode(v)
			if err != nil {
				t.Error(err)
			}
			out.Write(b)
		}
	}
	key, raw := vector.secret[6:], s.key()
	for _, canary := range []string{key, key[:12], string(raw), fmt.Sprintf("%x", raw), fmt.Sprintf("%X", raw), fmt.Sprint(raw), fmt.Sprintf("%q", raw)} {
		if strings.Contains(out.String(), strings.Trim(canary, `[]"`)) {
			t.Errorf("%q is in %s", canary, out.String())
		}
	}
}
