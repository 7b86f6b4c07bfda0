package endpoint

import (
	"net/http"
	"strings"
)

// maxKey bounds an Idempotency-Key, in bytes.
const maxKey = 255

// keyOf is the idempotency key of a request, "" if it has none.
func keyOf(head http.Header, required bool) (string, error) {
	lines := head.Values("Idempotency-Key")
	if len(lines) == 0 {
		if required {
			return "", keyRequired
		}
		return "", nil
	}
	key, ok := parseKey(lines[0])
	if !ok || len(lines) > 1 {
		return "", badKey
	}
	return key, nil
}

// parseKey reads the value of the header: a string of RFC 9651, section 3.3.3,
// without parameters, or one that somebody forgot to quote.
func parseKey(s string) (key string, ok bool) {
	if len(s) > 2*maxKey+16 { // all of it escaped, and quoted
		return "", false
	}
	s = strings.Trim(s, " \t")
	if strings.HasPrefix(s, `"`) {
		key, ok = unquote(s)
	} else {
		key, ok = s, bare(s)
	}
	return key, ok && key != "" && len(key) <= maxKey
}

// unquote takes a quoted string of printable ASCII apart, in which only quotes and
// backslashes are escaped.
func unquote(s string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ' || c > '~':
			return "", false
		case c == '"':
			return b.String(), i == len(s)-1
		case c == '\\':
			if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// bare reports whether s can be a key without quotes: visible ASCII, and nothing
// that could be the syntax of a list, of parameters or of a string.
func bare(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || strings.IndexByte(`",;\`, c) >= 0 {
			return false
		}
	}
	return true
}
