package backends

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// redact removes from an error's text what a URL may hold of secrets: drivers
// quote URLs, or pieces of them. errors.Is and As see the original.
func redact(err error, u *url.URL) error {
	if err == nil {
		return nil
	}
	found := secrets(u, 2)
	slices.SortFunc(found, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // one may hold another
	text := err.Error()
	clean := text
	for _, s := range found {
		clean = strings.ReplaceAll(clean, s, "…")
	}
	if clean == text {
		return err
	}
	return &redacted{err, clean}
}

// secrets are the spellings of what mustn't be seen: the whole query and each of
// its values, user and password, in a URL and in those nested in its values.
func secrets(u *url.URL, depth int) []string {
	var found []string
	add := func(s string) {
		if len(s) > 3 { // shorter ones would tear words apart, and hide nothing
			found = append(found, spellings(s)...)
		}
	}
	add(u.RawQuery)
	if u.User != nil {
		add(u.User.String())
		password, _ := u.User.Password()
		add(password)
		add(u.User.Username())
	}
	for pair := range strings.FieldsFuncSeq(u.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		k, raw, _ := strings.Cut(pair, "=")
		if k == "queue" {
			continue
		}
		add(raw)
		v, err := url.QueryUnescape(raw)
		if err != nil {
			continue
		}
		add(v)
		if nested, err := url.Parse(v); err == nil && nested.Scheme != "" && depth > 0 {
			found = append(found, secrets(nested, depth-1)...)
		}
	}
	return found
}

// spellings are the ways in which s is written, in URLs and by %q.
func spellings(s string) []string {
	all := []string{s, url.QueryEscape(s), url.PathEscape(s), url.User(s).String()}
	for _, s := range slices.Clone(all) {
		q := strconv.Quote(s)
		all = append(all, q[1:len(q)-1])
	}
	return all
}

type redacted struct {
	error
	text string
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.error }
