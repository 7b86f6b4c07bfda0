package plan

import (
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/examples/whatif/optimiser"
	"github.com/leat-go/leat/worker"
)

// Supplier is who delivers, and how well their service answers.
type Supplier struct {
	Name, Label string
	lead        optimiser.Lead
	busy        int // so many attempts are told to come again
	closed      bool
}

// Suppliers lists them, the reliable one first.
func Suppliers() []Supplier { return suppliers[:] }

var suppliers = [...]Supplier{
	{Name: "north", Label: "North: two weeks, reliable", lead: optimiser.Lead{Weeks: 2, Spread: 0.5}},
	{Name: "east", Label: "East: three weeks, its service is often busy", lead: optimiser.Lead{Weeks: 3, Spread: 1}, busy: 2},
	{Name: "harbour", Label: "Harbour: has closed", closed: true},
}

func supplierOf(name string) (Supplier, error) {
	for i, s := range suppliers {
		if s.Name == name || name == "" && i == 0 {
			return s, nil
		}
	}
	return Supplier{}, fmt.Errorf("there is no supplier %.20q", name)
}

// pause is what a busy supplier asks for.
const pause = 700 * time.Millisecond

// leadTime asks the supplier how long an order takes, for the n-th time.
func (s Supplier) leadTime(attempt int) (optimiser.Lead, error) {
	switch {
	case s.closed:
		return optimiser.Lead{}, worker.Permanent(errors.New("the supplier Harbour has closed for good: choose another one"))
	case attempt <= s.busy:
		return optimiser.Lead{}, worker.RetryAfter(pause, errors.New("the supplier's service is busy: 503, come again"))
	}
	return s.lead, nil
}
