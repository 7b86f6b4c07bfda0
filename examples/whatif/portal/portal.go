package portal

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/leat-go/leat/examples/whatif/optimiser"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
)

// Patience is how long a question may wait for a worker: nobody looks at the
// screen any more by then.
const Patience = 10 * time.Minute

// Products is what the portal knows of what partners sell.
type Products interface {
	optimiser.Features
	// Catalogue lists a partner's products in a stable order; borrowed says that
	// they are the largest partner's, since this one has sold nothing yet.
	Catalogue(partner string) (skus []string, borrowed bool)
}

// Portal is an http.Handler. Make it with New.
type Portal struct {
	// Charts holds what /charts/ serves; nil = nothing.
	Charts queue.Bucket

	name     string // of this start of it
	products Products
	inbox    inbox
	mux      http.ServeMux
}

// New returns the portal of a queue.
func New(q *queue.Queue[optimiser.Settings, optimiser.Plan], products Products) *Portal {
	p := &Portal{name: strconv.FormatInt(time.Now().UnixNano(), 36), products: products}
	jobs := endpoint.New(q)
	jobs.Authorize, jobs.Validate, jobs.Options = partnerOf, p.validate, options
	jobs.RequireKey = true

	p.mux.Handle("/jobs", jobs)
	p.mux.Handle("/jobs/", jobs)
	p.mux.HandleFunc("GET /{$}", p.page)
	p.mux.HandleFunc("GET /products", p.list)
	p.mux.HandleFunc("GET /ready", p.stream)
	p.mux.HandleFunc("GET /charts/{key...}", p.chart)
	return p
}

// ServeHTTP answers one request.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// partnerOf says whose request it is. A real portal would look into a session; here
// everybody is who they say they are.
func partnerOf(r *http.Request) (string, error) {
	partner, _, ok := r.BasicAuth()
	if !ok || partner == "" {
		return "", &endpoint.Problem{
			Status: http.StatusUnauthorized,
			Detail: "Log in as a partner, with any password.",
			Header: http.Header{"WWW-Authenticate": {`Basic realm="what-if"`}},
		}
	}
	return partner, nil
}

// validate refuses what the optimiser could make nothing of, before it is queued.
func (p *Portal) validate(ctx context.Context, partner string, s optimiser.Settings) error {
	err := s.Check()
	if err == nil {
		_, err = p.products.Vectors(ctx, partner, s.SKUs())
	}
	if err != nil {
		return &endpoint.Problem{Detail: err.Error()}
	}
	return nil
}

// options: a newer change of a screen takes the place of the one before, queued or
// running. In trailing mode one that runs may finish, and the newest follows it.
func options(r *http.Request, s optimiser.Settings) []queue.Option {
	place := queue.Supersede(s.Screen)
	if r.URL.Query().Get("mode") == "trailing" {
		place = queue.Trailing(s.Screen)
	}
	return []queue.Option{place, queue.Expiry(Patience)}
}
