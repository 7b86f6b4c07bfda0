package portal

import (
	_ "embed"
	"net/http"
)

//go:embed page.html
var page []byte

// page is the screen of a partner, for people.
func (p *Portal) page(w http.ResponseWriter, r *http.Request) {
	if _, err := partnerOf(r); err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'")
	w.Write(page)
}
