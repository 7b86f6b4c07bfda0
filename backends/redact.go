package backends

import (
	"net/url"
	"strings"
)

// redact removes from an error's text what a URL may hold of secrets: drivers
// quote URLs, or pieces of them. errors.Is and As see the original.
func redact(err error, u *url.URL) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	clean := text
	for _, s := range secrets(u, 2) {
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
			found = append(found, s, url.QueryEscape(s), url.PathEscape(s))
		}
	}
	add(u.RawQuery)
	if u.User != nil {
		add(u.User.String())
		password, _ := u.User.Password()
		add(password)
		add(u.User.Username())
	}
	for k, values := range u.Query() {
		for _, v := range values {
			if nested, err := url.Parse(v); err == nil && nested.Scheme != "" && depth > 0 {
				found = append(found, secrets(nested, depth-1)...)
			}
			if k != "queue" {
				add(v)
			}
		}
	}
	return found
}

type redacted struct {
	error
	text string
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.error }
