package portal

import (
	"encoding/json"
	"io"
	"net/http"
)

// Assortment is what a partner sells.
type Assortment struct {
	Partner  string   `json:"partner"`
	SKUs     []string `json:"skus"`
	Borrowed bool     `json:"borrowed,omitempty"` // from the largest partner: this one has no history yet
}

// list answers with the partner's assortment.
func (p *Portal) list(w http.ResponseWriter, r *http.Request) {
	partner, err := partnerOf(r)
	if err != nil {
		refuse(w, err)
		return
	}
	skus, borrowed := p.products.Catalogue(partner)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(Assortment{partner, skus, borrowed})
}

// chart serves one chart. It may load nothing and run nothing, whatever is in it.
func (p *Portal) chart(w http.ResponseWriter, r *http.Request) {
	if p.Charts == nil {
		http.NotFound(w, r)
		return
	}
	object, err := p.Charts.Open(r.Context(), "charts/"+r.PathValue("key"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer object.Close()
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	io.Copy(w, object)
}
