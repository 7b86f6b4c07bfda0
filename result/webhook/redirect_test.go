package webhook

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRedirectsStayAtTheServer: three at most, which keep method and body; what
// leads elsewhere is an answer like any other that isn't 2xx.
func TestRedirectsStayAtTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		status   int
		location string // to the n-th path
		want     string
		calls    int
	}{
		"307":              {307, "/next", "done", 2},
		"308":              {308, "http://RECEIVER.example:80/next", "done", 2},
		"no location":      {307, "", "again", 1},
		"301":              {301, "/next", "again", 1},
		"302":              {302, "/next", "again", 1},
		"303":              {303, "/next", "again", 1},
		"for ever":         {307, "/hooks", "again", 1 + maxRedirects},
		"another host":     {307, "http://evil.example/next", "again", 1},
		"a sub-domain":     {307, "http://a.receiver.example/next", "again", 1},
		"another port":     {307, "http://receiver.example:8080/next", "again", 1},
		"another scheme":   {307, "https://receiver.example/next", "again", 1},
		"metadata":         {307, "http://169.254.169.254/latest/meta-data", "again", 1},
		"loopback":         {308, "//127.0.0.1/next", "again", 1},
		"with a user":      {307, "http://a:b@receiver.example/next", "again", 1},
		"a file":           {307, "file:///etc/passwd", "again", 1},
		"rubbish":          {307, "http://[x/", "again", 1},
		"a host that huge": {307, "http://" + strings.Repeat("a", 3000), "again", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			s, net := serving(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				body, _ := io.ReadAll(r.Body)
				if err := Verify(r.Header, body, time.Now(), shared); err != nil || r.Method != http.MethodPost || r.Host != "receiver.example" && r.Host != "receiver.example:80" {
					t.Errorf("%s: %s %s: %v", name, r.Method, r.Host, err)
				}
				if r.Header.Get("Referer") != "" || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
					t.Errorf("%s: sent %v", name, r.Header)
				}
				if r.URL.Path == "/next" {
					return
				}
				w.Header().Set("Set-Cookie", "a=b; Path=/")
				w.Header().Set("Location", c.location)
				w.WriteHeader(c.status)
			})
			_, err := s.Deliver(t.Context(), job())
			if verdict(err) != c.want || calls != c.calls {
				t.Errorf("%s: %v after %d calls", name, err, calls)
			}
			for _, to := range net.dialled {
				if to != "receiver.example:80" {
					t.Errorf("%s: dialled %s", name, to)
				}
			}
		})
	}
}
