package portal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"net/http"

	"github.com/leat-go/leat/result/endpoint"
)

// Cookie is the name of the cookie that says who somebody is.
const Cookie = "portal"

// Tenant is under which name the jobs of a cookie's holder are kept. It isn't the
// cookie itself: who reads a list of jobs, or a log, can't be them.
func Tenant(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return base32.HexEncoding.EncodeToString(sum[:15])
}

// member says whose request it is; a program fetches the cookie from / once.
func member(r *http.Request) (tenant string, err error) {
	if c, err := r.Cookie(Cookie); err == nil && issued(c.Value) {
		return Tenant(c.Value), nil
	}
	return "", &endpoint.Problem{
		Status: http.StatusUnauthorized,
		Detail: "GET / first, and bring the cookie that it sets.",
		Header: http.Header{"WWW-Authenticate": {`Cookie realm="portal", form-action="/", cookie-name=` + Cookie}},
	}
}

// welcome is member for a person, who gets a cookie where there is none.
func welcome(w http.ResponseWriter, r *http.Request) (tenant string) {
	if tenant, err := member(r); err == nil {
		return tenant
	}
	c := rand.Text()
	http.SetCookie(w, &http.Cookie{
		Name: Cookie, Value: c, Path: "/", MaxAge: 30 * 24 * 3600, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	return Tenant(c)
}

// issued reports whether a cookie can be one of ours: nobody picks a short one.
func issued(c string) bool {
	for _, b := range []byte(c) {
		if (b < 'A' || b > 'Z') && (b < '2' || b > '7') {
			return false
		}
	}
	return len(c) == len(rand.Text())
}
