package webhook

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/leat-go/leat/queue"
)

const (
	maxURL  = 2048
	maxHost = 253
)

// parse reads a URL that may be called. The error is a *queue.InvalidError, and
// quotes nothing of it. Addresses are checked when they are dialled.
func (s *Sender) parse(raw string) (*url.URL, error) {
	if raw == "" || len(raw) > maxURL {
		return nil, invalidURL("must have 1 to " + strconv.Itoa(maxURL) + " bytes")
	}
	u, err := url.Parse(raw)
	if err != nil { // which quotes the URL
		return nil, invalidURL("can't be parsed")
	}
	switch {
	case u.Scheme != "https" && !(s.AllowHTTP && u.Scheme == "http"):
		return nil, invalidURL("must begin with https://")
	case u.User != nil:
		return nil, invalidURL("has a user or password")
	case !goodHost(u):
		return nil, invalidURL("has a host that is neither a name in ASCII nor an address in its common form")
	case !goodPort(u):
		return nil, invalidURL("has a port that is none")
	}
	u.Host, u.Fragment, u.RawFragment = strings.ToLower(u.Host), "", ""
	return u, nil
}

func invalidURL(reason string) error {
	return &queue.InvalidError{Field: "Endpoint.URL", Reason: reason}
}

// goodHost takes names and addresses that every resolver understands alike: 0x7f.1
// is a name to one and 127.0.0.1 to another.
func goodHost(u *url.URL) bool {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		a, err := netip.ParseAddr(host)
		return err == nil && a.Is6() && a.Zone() == ""
	}
	if endsInNumber(host) {
		_, err := netip.ParseAddr(host) // which takes four decimal numbers without a leading 0
		return err == nil
	}
	return strings.Trim(host, ".") != "" && len(host) <= maxHost && !strings.ContainsFunc(host, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.')
	})
}

// endsInNumber is by what the URL standard (WHATWG) tells addresses from names.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return digits(last)
}

func goodPort(u *url.URL) bool {
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	port := u.Port()
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// origin is scheme, host and port, which all redirects must share.
func origin(u *url.URL) string {
	port := u.Port()
	if n, err := strconv.Atoi(port); err == nil { // 0443 is 443
		port = strconv.Itoa(n)
	}
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + u.Hostname() + ":" + port
}
