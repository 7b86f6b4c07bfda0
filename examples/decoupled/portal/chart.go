package portal

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/leat-go/leat/examples/whatif/chart"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// chart draws what a plan does to the product that saves most.
func (p *Portal) chart(w http.ResponseWriter, r *http.Request) {
	tenant, err := member(r)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	a, err := result.Get(r.Context(), p.queue, queue.Ref{Tenant: tenant, ID: r.PathValue("id")})
	if _, ended := errors.AsType[*result.EndedError](err); ended || errors.Is(err, queue.ErrNotReady) {
		err = queue.ErrNotFound
	}
	if err != nil {
		away(w, err)
		return
	}
	var picture bytes.Buffer
	if err := chart.SVG(&picture, a.Chart); err != nil {
		away(w, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "image/svg+xml")
	head.Set("Cache-Control", "private, max-age=3600") // a plan never changes
	// Alone in a tab it may load nothing and run nothing; its styles stand in it.
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	_, _ = w.Write(picture.Bytes())
}
