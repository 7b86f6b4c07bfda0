package portal

import (
	"context"
	"net/http"

	"github.com/leat-go/leat/examples/decoupled/plan"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
)

// Portal is an http.Handler. Make it with New.
type Portal struct {
	Jobs *endpoint.Handler[plan.Question, plan.Answer] // serves /jobs

	queue   *queue.Queue[plan.Question, plan.Answer]
	handler http.Handler
}

// New returns the portal of a queue.
func New(q *queue.Queue[plan.Question, plan.Answer]) *Portal {
	p := &Portal{Jobs: endpoint.New(q), queue: q}
	p.Jobs.Authorize, p.Jobs.Validate = member, validate
	p.Jobs.Options = func(_ *http.Request, question plan.Question) []queue.Option { return question.Options() }
	p.Jobs.ShowErrors = true // what the planner writes into them is meant for buyers

	var mux http.ServeMux
	mux.Handle("/jobs", p.Jobs)
	mux.Handle("/jobs/", p.Jobs)
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("POST /questions", p.ask)
	mux.HandleFunc("GET /questions/{id}", p.look)
	mux.HandleFunc("POST /questions/{id}/cancel", p.cancel)
	mux.HandleFunc("GET /questions/{id}/chart.svg", p.chart)
	mux.HandleFunc("GET /static/{file}", static)
	// Another site's page may send a form here, with our cookie in some browsers.
	p.handler = guarded(http.NewCrossOriginProtection().Handler(&mux))
	return p
}

// ServeHTTP answers one request.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// validate refuses what the planner could make nothing of, before it is queued.
func validate(_ context.Context, _ string, q plan.Question) error {
	if err := q.Check(); err != nil {
		return &endpoint.Problem{Detail: err.Error()}
	}
	return nil
}
