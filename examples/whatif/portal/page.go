package portal

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
)

//go:embed page.html
var page []byte

// policy lets the page load from here alone, and run the script that is in it and no
// other: what comes with the data is text, and stays it even where the script forgets.
var policy = "default-src 'none'; connect-src 'self'; style-src " + hashOf("style") + "; script-src " + hashOf("script") +
	"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// hashOf names what stands in an element of the page, for its policy.
func hashOf(element string) string {
	_, rest, _ := bytes.Cut(page, []byte("<"+element+">"))
	text, _, _ := bytes.Cut(rest, []byte("</"+element+">"))
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page is the screen of a partner, for people.
func (p *Portal) page(w http.ResponseWriter, r *http.Request) {
	if _, err := partnerOf(r); err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(page)
}
