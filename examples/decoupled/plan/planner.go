package plan

import (
	"context"
	"time"

	"github.com/leat-go/leat/examples/whatif/chart"
	"github.com/leat-go/leat/examples/whatif/demand"
	"github.com/leat-go/leat/examples/whatif/feature"
	"github.com/leat-go/leat/examples/whatif/optimiser"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// Answer is the result of the job.
type Answer struct {
	Title  string               `json:"title"`
	Before float64              `json:"before"` // pounds, the products' 75th percentiles of cost, under the rules in use today
	After  float64              `json:"after"`  // under the new ones
	Items  []optimiser.Decision `json:"items"`
	Chart  chart.Chart          `json:"chart"` // of the product that saves most
}

// Planner answers questions. Its method Plan is the handler of a worker.
type Planner struct {
	Pace     time.Duration // that one product takes beside its computation, so that people can watch
	Parallel int           // products of one question at a time; 0 = GOMAXPROCS

	features optimiser.Features
	skus     []string
}

// New returns a Planner for a catalogue that is made up, the same for every tenant.
func New() *Planner {
	series, _ := demand.Sample(0)
	shelf := feature.NewMemory(series)
	skus, _ := shelf.Catalogue("anybody")
	return &Planner{features: shelf, skus: skus}
}

// Plan computes one answer. It returns soon after ctx has ended.
func (p *Planner) Plan(ctx context.Context, job *queue.Job[Question]) (Answer, error) {
	q := job.Args
	if err := q.Check(); err != nil {
		return Answer{}, worker.Permanent(err)
	}
	s, _ := supplierOf(q.Supplier) // checked
	lead, err := s.leadTime(job.Attempt)
	if err != nil {
		return Answer{}, err
	}
	all := q.settings(lead, p.skus)
	items := make([]optimiser.Decision, len(all.Items))
	err = worker.Each(ctx, job, p.Parallel, all.Items, func(ctx context.Context, i int, item optimiser.Item) error {
		var err error
		items[i], err = p.one(ctx, job.Tenant, all, item)
		return err
	})
	if err != nil {
		return Answer{}, err
	}
	return p.answer(ctx, job, all, items)
}

// one decides on one product.
func (p *Planner) one(ctx context.Context, tenant string, s optimiser.Settings, item optimiser.Item) (optimiser.Decision, error) {
	if err := rest(ctx, p.Pace); err != nil {
		return optimiser.Decision{}, err
	}
	s.Items = []optimiser.Item{item}
	plan, err := optimiser.New(p.features).Optimise(ctx, &queue.Job[optimiser.Settings]{Tenant: tenant, Args: s})
	if err != nil {
		return optimiser.Decision{}, err
	}
	return plan.Items[0], nil
}

// answer sums up.
func (p *Planner) answer(ctx context.Context, job *queue.Job[Question], s optimiser.Settings, items []optimiser.Decision) (Answer, error) {
	a := Answer{Title: job.Args.Title, Items: items}
	best := 0
	for i, d := range items {
		a.Before += d.Before
		a.After += d.After
		if d.Before-d.After > items[best].Before-items[best].After {
			best = i
		}
	}
	vectors, err := p.features.Vectors(ctx, job.Tenant, []string{items[best].SKU})
	if err != nil {
		return Answer{}, err
	}
	d, v := items[best], vectors[0]
	a.Chart = chart.Chart{
		Title: d.SKU + " " + v.Name, Subtitle: "the product that saves most",
		Old: side(d.Old, s.Trace(v, s.Items[best], d.Old)), New: side(d.New, s.Trace(v, s.Items[best], d.New)),
	}
	return a, nil
}

func side(p optimiser.Policy, c optimiser.Curves) chart.Side {
	return chart.Side{Label: p.String(), Price: c.Price, Stock: bands(c.Stock), Cost: bands(c.Cost)}
}

func bands(from []optimiser.Band) []chart.Band {
	to := make([]chart.Band, len(from))
	for i, b := range from {
		to[i] = chart.Band(b)
	}
	return to
}

// settings are the question as the optimiser takes it.
func (q Question) settings(lead optimiser.Lead, skus []string) optimiser.Settings {
	s := optimiser.Settings{
		Screen: "question", Lead: lead, Seed: 1,
		Costs: optimiser.Costs{Holding: holding, Order: 20, Inbound: 0.04, Outbound: 0.08, Return: 0.1, LostSale: q.lostSale()},
	}
	for i, sku := range skus[:min(q.Products, len(skus))] {
		s.Items = append(s.Items, optimiser.Item{SKU: sku, Stock: 10 + i*7%40})
	}
	return s
}

// holding is what a unit costs on the shelf for a year, as a share of its price.
const holding = 0.25

// lostSale is the cost of a lost sale for which serving this share of the demand is
// best: the critical ratio of the newsvendor model.
func (q Question) lostSale() float64 {
	share := q.Level / 100
	return holding * optimiser.Horizon / 52 * share / (1 - share)
}

// rest waits for d, or returns why ctx has ended.
func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
