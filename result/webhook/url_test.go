package webhook

import (
	"errors"
	"strings"
	"testing"

	"github.com/leat-go/leat/queue"
)

var hostileURLs = map[string]string{
	"nothing": "", "a path": "/hooks", "no scheme": "example.com/hooks", "only a scheme": "https://", "opaque": "https:example.com",
	"http": "http://example.com", "a file": "file:///etc/passwd", "gopher": "gopher://example.com", "script": "javascript:alert(1)",
	"a user": "https://user@example.com", "a password": "https://user:canary@example.com", "an empty user": "https://@example.com",
	"a line break": "https://example.com/\r\nX-Evil: 1", "a NUL": "https://example.com/\x00", "a break in the host": "https://exam\nple.com", "a tab": "https://example.com/\t",
	"a space in the host": "https://exam ple.com", "an escape in the host": "https://exa%6dple.com", "a break escaped": "https://example.com%0d%0aX:1/",
	"huge": "https://example.com/" + strings.Repeat("a", maxURL), "a huge host": "https://" + strings.Repeat("a.", 127) + "com",
	"IDN": "https://bücher.example", "full width": "https://１２７.0.0.1", "circled": "https://①②⑦.⓪.⓪.①", "an ideographic stop": "https://127。0。0。1",
	"port 0": "https://example.com:0", "port 65536": "https://example.com:65536", "no port": "https://example.com:", "a negative port": "https://example.com:-1", "a named port": "https://example.com:https",
	"a zone": "https://[fe80::1%25eth0]/", "a bare zone": "https://[fe80::1%eth0]/", "no brackets": "https://::1/", "IPv4 in brackets": "https://[127.0.0.1]/", "rubbish in brackets": "https://[x]/",
	"hex": "https://0x7f.1/", "hex as one": "https://0x7f000001/", "hex, empty": "https://0x/", "hex at the end": "https://127.0.0.0x1", "octal": "https://0177.0.0.1/", "octal in the middle": "https://127.00.0.1/",
	"one number": "https://2130706433/", "two numbers": "https://127.1/", "three numbers": "https://127.0.1/", "five numbers": "https://1.2.3.4.5/", "256": "https://1.2.3.256/", "a dot behind": "https://127.0.0.1./",
	"a name in front": "https://example.1/", "only a dot": "https://./",
}

// TestG1_HostileURLsAreRefused, with a typed error that quotes nothing of them.
func TestG1_HostileURLsAreRefused(t *testing.T) {
	var s Sender
	for name, raw := range hostileURLs {
		u, err := s.parse(raw)
		if !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("%s: %q is %v, error %v", name, raw, u, err)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGoodURLsAreTaken(t *testing.T) {
	s := Sender{AllowHTTP: true}
	for raw, want := range map[string]string{
		"https://example.com":                      "https://example.com",
		"https://EXAMPLE.com:8443/Hooks?Key=a%20b": "https://example.com:8443/Hooks?Key=a%20b",
		"http://example.com/a b#part":              "http://example.com/a%20b",
		"https://xn--bcher-kva.example./":          "https://xn--bcher-kva.example./",
		"https://a_b-c.example/":                   "https://a_b-c.example/",
		"https://93.184.215.14/":                   "https://93.184.215.14/",
		"https://[2606:4700::1111]:443/":           "https://[2606:4700::1111]:443/",
		"https://0xyz.example.com":                 "https://0xyz.example.com",
		"https://1e100.net":                        "https://1e100.net",
	} {
		if u, err := s.parse(raw); err != nil || u.String() != want {
			t.Errorf("%q: %v, %v", raw, u, err)
		}
	}
}

// FuzzURL: what is taken reads the same the next time, and has nothing hidden in it.
func FuzzURL(f *testing.F) {
	for _, raw := range hostileURLs {
		f.Add(raw)
	}
	f.Add("https://example.com:8443/Hooks?Key=a%20b#c")
	f.Fuzz(func(t *testing.T, raw string) {
		var s Sender
		u, err := s.parse(raw)
		if err != nil {
			if !errors.Is(err, queue.ErrInvalid) {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		if len(u.String()) > maxURL { // escapes are longer
			return
		}
		again, err := s.parse(u.String())
		if err != nil || again.Host != u.Host || again.Hostname() == "" || again.User != nil || origin(again) != origin(u) {
			t.Errorf("%q is %v, then %v, %v", raw, u, again, err)
		}
	})
}
