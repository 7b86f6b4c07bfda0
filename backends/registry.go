package backends

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Opener opens the store that a URL names. Scheme, host and path name it;
// "queue" is the caller's parameter and is to be ignored by stores; any other
// parameter that the opener doesn't know is an error (see Params). Its errors
// must not quote the URL.
type Opener func(ctx context.Context, u *url.URL) (Backend, error)

// Mux opens Backends by the scheme of a URL. Drivers register with the default
// one when they are imported; a program that wants its own set makes a Mux and
// passes it around. The zero value is empty and ready; safe for concurrent use.
type Mux struct {
	mu      sync.RWMutex
	openers map[string]Opener
}

// Default is the Mux that drivers register with when they are imported.
var Default = new(Mux)

// Register tells the default Mux how to open a scheme.
func Register(scheme string, open Opener) { Default.Register(scheme, open) }

// Open opens a URL by the default Mux.
func Open(ctx context.Context, rawURL string) (Backend, error) { return Default.Open(ctx, rawURL) }

// Register tells m how to open a scheme. It panics if the scheme is taken or
// empty: that is a mistake of the program.
func (m *Mux) Register(scheme string, open Opener) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.openers[scheme]; taken || scheme == "" || open == nil {
		panic("backends: scheme " + scheme + " registered twice, or without a name or opener")
	}
	if m.openers == nil {
		m.openers = map[string]Opener{}
	}
	m.openers[scheme] = open
}

// Schemes lists what m can open.
func (m *Mux) Schemes() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var s []string
	for scheme := range m.openers {
		s = append(s, scheme)
	}
	sort.Strings(s)
	return s
}

// Open opens a URL. Its errors never repeat the URL, which may hold secrets.
func (m *Mux) Open(ctx context.Context, rawURL string) (Backend, error) {
	u, err := url.Parse(rawURL)
	if err != nil { // which quotes the URL
		return nil, invalid("URL", "can't be parsed")
	}
	if u.Scheme == "" {
		return nil, invalid("URL", "has no scheme, which names its driver, as memory:// does")
	}
	m.mu.RLock()
	open := m.openers[u.Scheme]
	m.mu.RUnlock()
	if open == nil {
		return nil, invalid("URL", fmt.Sprintf("no driver for scheme %q%s", u.Scheme, m.advice(u.Scheme)))
	}
	whole := *u // the driver may take it apart
	b, err := open(ctx, u)
	return b, redact(err, &whole)
}

// rooms are the packages of this module that open a scheme, for those who forgot
// to import one.
var rooms = map[string]string{
	"memory":     "backends/memory",
	"sqlite":     "backends/sqlite",
	"awssqs":     "backends/broker/sqs",
	"cdk":        "backends/broker/cdk",
	"cdk+rabbit": "backends/broker/cdk/rabbit", "cdk+rabbits": "backends/broker/cdk/rabbit",
}

// advice says what to do about a scheme that nobody registered. An import doesn't
// help a Mux of the program's own.
func (m *Mux) advice(scheme string) string {
	if room := rooms[scheme]; room != "" && m == Default {
		return fmt.Sprintf("; import _ %q", "github.com/leat-go/leat/"+room)
	}
	have := strings.Join(m.Schemes(), ", ")
	if have == "" {
		have = "none"
	}
	return " is registered (have: " + have + ")"
}

// Take splits the parameters of u: those in mine, and u without them, for a
// driver that refuses what it doesn't know.
func Take(u *url.URL, mine ...string) (url.Values, *url.URL, error) {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, nil, invalid("URL", "has a malformed query")
	}
	taken := url.Values{}
	for _, k := range mine {
		if v, ok := q[k]; ok {
			taken[k] = v
			q.Del(k)
		}
	}
	rest := *u
	rest.RawQuery = q.Encode()
	return taken, &rest, nil
}

// Params returns the parameters of u, or an InvalidError that names one that is
// neither "queue" nor in known, is given twice, or is malformed.
func Params(u *url.URL, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, invalid("URL", "has a malformed query")
	}
	for k, v := range q {
		if k != "queue" && !slices.Contains(known, k) {
			if strings.ContainsFunc(k, notName) || strings.Contains(u.RawQuery, "@") { // may be the rest of an unescaped password
				k = "…"
			}
			return nil, invalid("URL", fmt.Sprintf("unknown parameter %q (known: %s)", k, strings.Join(append([]string{"queue"}, known...), ", ")))
		}
		if len(v) > 1 {
			return nil, invalid("URL", fmt.Sprintf("parameter %q is given twice", k))
		}
	}
	return q, nil
}

func notName(r rune) bool {
	return r != '_' && r != '-' && r != '.' && !('0' <= r && r <= '9') && !('a' <= r && r <= 'z') && !('A' <= r && r <= 'Z')
}
