package backends

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

var errRefused = errors.New("connection refused")

// quotes are the ways in which drivers repeat a URL in their errors.
var quotes = map[string]func(*url.URL) string{
	"the URL":             func(u *url.URL) string { return u.String() },
	"as net/url redacts":  func(u *url.URL) string { return u.Redacted() },
	"without the scheme":  func(u *url.URL) string { return strings.TrimPrefix(u.String(), u.Scheme+"://") },
	"user and password":   func(u *url.URL) string { return u.User.String() },
	"both, unescaped":     func(u *url.URL) string { return strings.Join(credentials(u), " and ") },
	"both, query-escaped": func(u *url.URL) string { return url.QueryEscape(strings.Join(credentials(u), " ")) },
	"both, path-escaped":  func(u *url.URL) string { return url.PathEscape(strings.Join(credentials(u), " ")) },
	"the query":           func(u *url.URL) string { return u.RawQuery },
	"the query, sorted":   func(u *url.URL) string { return u.Query().Encode() },
	"the query, parsed":   func(u *url.URL) string { return fmt.Sprint(u.Query()) },
	"what Take gives": func(u *url.URL) string {
		mine, rest, err := Take(u, "records")
		return fmt.Sprint(mine, rest, err)
	},
	"the nested URL": func(u *url.URL) string { return u.Query().Get("records") },
	"its pieces": func(u *url.URL) string {
		nested, err := url.Parse(u.Query().Get("records"))
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(credentials(nested), nested.Query(), nested.Redacted())
	},
}

func credentials(u *url.URL) []string {
	password, _ := u.User.Password()
	return []string{u.User.Username(), password}
}

// secretly makes a URL with a secret in one place of it.
func secretly(place, secret string) *url.URL {
	at := func(p, otherwise string) string {
		if p == place {
			return secret
		}
		return otherwise
	}
	nested := url.URL{
		Scheme: "records", Host: "store", User: url.UserPassword(at("nested user", "ann"), at("nested password", "pw")),
		RawQuery: url.Values{"token": {at("nested query", "t")}}.Encode(),
	}
	deep := url.URL{Scheme: "wrap", Host: "w", RawQuery: url.Values{"inner": {nested.String()}}.Encode()}
	return &url.URL{
		Scheme: "known", Host: "host", Path: "/db", User: url.UserPassword(at("user", "bob"), at("password", "pw")),
		RawQuery: url.Values{"queue": {"plans"}, "token": {at("query", "t")}, "records": {nested.String()}, "wrapped": {deep.String()}}.Encode(),
	}
}

var (
	places  = []string{"user", "password", "query", "nested user", "nested password", "nested query"}
	secrecy = map[string]string{
		"plain":    canary,
		"reserved": canary + "@/?&=+ %é#" + canary,
		"like URL": canary + "://" + canary + ":" + canary + "@h",
	}
)

// openBy opens a URL by a driver whose error is what say makes of the URL.
func openBy(ctx context.Context, u *url.URL, say func(*url.URL) error) error {
	var m Mux
	m.Register("known", func(_ context.Context, u *url.URL) (Backend, error) { return nil, say(u) })
	_, err := m.Open(ctx, u.String())
	return err
}

func TestRedact_DriversMayQuote(t *testing.T) {
	for kind, secret := range secrecy {
		for _, place := range places {
			for how, quote := range quotes {
				t.Run(kind+" "+place+"/"+how, func(t *testing.T) {
					err := openBy(t.Context(), secretly(place, secret), func(u *url.URL) error {
						return fmt.Errorf("dial %s of queue plans: %w", quote(u), errRefused)
					})
					if text := err.Error(); strings.Contains(text, canary) {
						t.Errorf("tells the secret: %s", text)
					}
					if text := err.Error(); !strings.HasPrefix(text, "dial ") || !strings.HasSuffix(text, " of queue plans: connection refused") {
						t.Errorf("tells nothing else: %s", text)
					}
					if !errors.Is(err, errRefused) {
						t.Errorf("is no more what it was: %v", err)
					}
				})
			}
		}
	}
}

// Programs branch on what a driver's error is; only its text is another.
func TestRedact_ErrorsStayWhatTheyAre(t *testing.T) {
	u := secretly("password", canary)
	err := openBy(t.Context(), u, func(u *url.URL) error {
		return fmt.Errorf("store: %w", &url.Error{Op: "Get", URL: u.String(), Err: context.DeadlineExceeded})
	})
	var original *url.Error
	switch {
	case strings.Contains(err.Error(), canary):
		t.Errorf("tells the secret: %v", err)
	case !errors.Is(err, context.DeadlineExceeded):
		t.Errorf("not DeadlineExceeded: %v", err)
	case !errors.As(err, &original) || original.Op != "Get" || !original.Timeout():
		t.Errorf("not a url.Error: %v", err)
	}
	err = openBy(t.Context(), u, func(*url.URL) error { return invalid("URL", "has "+canary) })
	var malformed *InvalidError
	if !errors.Is(err, ErrInvalid) || !errors.As(err, &malformed) || strings.Contains(err.Error(), canary) {
		t.Errorf("not an InvalidError without secrets: %v", err)
	}
}

func TestRedact_LeavesTheRestAlone(t *testing.T) {
	quiet := errors.New("host refused bob, pw and the token t")
	for _, place := range append(slices.Clone(places), "nowhere") { // short ones hide nothing
		if err := openBy(t.Context(), secretly(place, canary), func(*url.URL) error { return quiet }); err != quiet {
			t.Errorf("%s: an error without secrets became %v", place, err)
		}
		if err := openBy(t.Context(), secretly(place, canary), func(*url.URL) error { return nil }); err != nil {
			t.Errorf("%s: an error of nothing: %v", place, err)
		}
	}
	u := &url.URL{Scheme: "known", Host: "host", Path: "/db", User: url.UserPassword("bob", "pw")}
	err := openBy(t.Context(), u, func(u *url.URL) error { return fmt.Errorf("bob's pw in %v", u) })
	if got, want := err.Error(), "bob's pw in known://…@host/db"; got != want {
		t.Errorf("short ones: %s, want %s", got, want)
	}
	u.User = url.UserPassword("bob", canary)
	err = openBy(t.Context(), u, func(*url.URL) error { return fmt.Errorf("plans: %s and %[1]s at host", canary) })
	if got, want := err.Error(), "plans: … and … at host"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// URLs and drivers that make it hard: what is found, and in which spelling.
func TestRedact_HardToFind(t *testing.T) {
	say := func(text string) func(*url.URL) error {
		return func(*url.URL) error { return errors.New(text) }
	}
	for name, c := range map[string]struct {
		raw  string
		fail func(*url.URL) error
	}{
		"a secret that begins with the user's name": {
			"known://leat:pw@h?token=leat" + canary, say("bad token leat" + canary),
		},
		"a value that begins with another one": {
			"known://h?a=1234&b=1234" + canary + "&c=1234" + canary + "5678", say("bad b: 1234" + canary),
		},
		"a password that begins with the user's name": {
			"known://leat:leat" + canary + "@h", say("bad password leat" + canary),
		},
		"a driver that took the URL apart": {
			"known://u:" + canary + "@h?token=" + canary,
			func(u *url.URL) error {
				err := errors.New("can't use " + u.String())
				u.User, u.RawQuery = nil, ""
				return err
			},
		},
		"an unescaped password, quoted by %q": {
			"known://u:pa%22ss" + canary + "%5C@h",
			func(u *url.URL) error {
				password, _ := u.User.Password()
				return fmt.Errorf("bad password %q", password)
			},
		},
		"a value, quoted by %q": {
			"known://h?token=%0A" + canary,
			func(u *url.URL) error { return fmt.Errorf("bad query %q", u.Query()) },
		},
		"a pair behind a semicolon": {
			"known://h?sync=1;password=" + canary, say("unknown pair password=" + canary),
		},
		"a malformed pair": {
			"known://h?sync=1&password=%zz" + canary, say("malformed %zz" + canary),
		},
		"a pair of lower-case escapes": {
			"known://h?sync=1&password=%c3%a9" + canary, say("malformed %c3%a9" + canary),
		},
		"a parameter that is one": {
			"known://h?" + canary, func(u *url.URL) error { return errors.New("can't use " + u.String()) },
		},
		"a nested URL that isn't escaped": {
			"known://h?sync=1&records=r://u:" + canary + "@h?token=" + canary,
			func(u *url.URL) error { return errors.New(u.Query().Get("records")) },
		},
		"a nested URL inside a nested one": {
			secretlyTwice().String(),
			func(u *url.URL) error {
				inner, _ := url.Parse(u.Query().Get("outer"))
				nested, _ := url.Parse(inner.Query().Get("records"))
				return fmt.Errorf("dial %v, %v", nested.User, nested.Query())
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(c.raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := openBy(t.Context(), u, c.fail); err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("tells the secret: %v", err)
			}
		})
	}
}

func secretlyTwice() *url.URL {
	inner := secretly("nested password", canary)
	return &url.URL{Scheme: "known", Host: "h", RawQuery: url.Values{"outer": {inner.String()}}.Encode()}
}
