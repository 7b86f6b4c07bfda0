package optimiser

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// store knows every product but "new", and tells how often it was asked.
type store struct{ err error }

func (f store) Vectors(_ context.Context, _ string, skus []string) ([]Vector, error) {
	all := make([]Vector, len(skus))
	for i, sku := range skus {
		if sku == "new" {
			return nil, fmt.Errorf("%s: %w", sku, ErrNoHistory)
		}
		all[i] = Vector{SKU: sku, Price: 2.5, Returned: 0.02, Weekly: make([]int, 52)}
		for w := range all[i].Weekly {
			all[i].Weekly[w] = (w*7 + len(sku)) % 13 * (w % 3)
		}
	}
	return all, f.err
}

func products(n int) []string {
	skus := make([]string, n)
	for i := range skus {
		skus[i] = fmt.Sprint("S", i)
	}
	return skus
}

func TestEqualQuestionsHaveEqualPlansToTheBit(t *testing.T) {
	s := question(products(20)...)
	var first Plan
	for i, parallel := range []int{1, 3, 20} {
		o := New(store{})
		o.Parallel = parallel
		plan, err := o.Optimise(t.Context(), &queue.Job[Settings]{Args: s, Tenant: "zeta", ID: fmt.Sprint(i), Attempt: i})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = plan
		}
		if !reflect.DeepEqual(plan, first) {
			t.Errorf("%d at a time: another plan", parallel)
		}
	}
	s.Seed++
	if plan, err := New(store{}).Optimise(t.Context(), &queue.Job[Settings]{Args: s}); err != nil || reflect.DeepEqual(plan, first) {
		t.Errorf("another seed: the same plan, %v", err)
	}
}

func TestAPlanIsNeverWorseThanTodaysRule(t *testing.T) {
	s := question(products(20)...)
	plan, err := New(store{}).Optimise(t.Context(), &queue.Job[Settings]{Args: s})
	if err != nil || plan.Screen != s.Screen || len(plan.Items) != 20 {
		t.Fatalf("%+v %v", plan, err)
	}
	for i, d := range plan.Items {
		if d.SKU != s.Items[i].SKU || !(d.After <= d.Before) || d.Old.Kick != 0 || d.Old.Start != 0 {
			t.Errorf("%+v", d)
		}
	}
}

func TestTheCurvesEndInThePriceOfThePlan(t *testing.T) {
	s := question("S1")
	plan, err := New(store{}).Optimise(t.Context(), &queue.Job[Settings]{Args: s})
	if err != nil {
		t.Fatal(err)
	}
	v, _ := store{}.Vectors(t.Context(), "", s.SKUs())
	d := plan.Items[0]
	for p, want := range map[Policy]float64{d.Old: d.Before, d.New: d.After} {
		c := s.Trace(v[0], s.Items[0], p)
		if c.Price != want || len(c.Stock) != Horizon+1 || len(c.Cost) != Horizon+1 || c.Stock[0].Mid != 20 || c.Cost[0].High != 0 {
			t.Errorf("%+v, want the price %v", c, want)
		}
		for week := range c.Stock {
			if b := c.Stock[week]; !(b.Low <= b.Mid && b.Mid <= b.High) {
				t.Errorf("week %d: %+v", week, b)
			}
		}
	}
}

func TestWhatCantBeAnsweredIsPermanentAndWhatMayBeIsNot(t *testing.T) {
	absurd := question("a")
	absurd.Lead.Weeks = math.NaN()
	away := errors.New("the feature store is away")
	for name, c := range map[string]struct {
		settings  Settings
		store     store
		permanent bool
		want      error
	}{
		"no history":      {question("a", "new"), store{}, true, ErrNoHistory},
		"absurd settings": {absurd, store{}, true, nil},
		"a store away":    {question("a"), store{away}, false, away},
	} {
		_, err := New(c.store).Optimise(t.Context(), &queue.Job[Settings]{Args: c.settings})
		_, permanent := errors.AsType[*worker.PermanentError](err)
		if err == nil || permanent != c.permanent || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A context that ends while a policy is tried lets that one end, and no other begin:
// what is left is less than the 50 ms that a newer change would wait.
func TestItStopsAtTheNextEvaluation(t *testing.T) {
	s := question("S1")
	v, _ := store{}.Vectors(t.Context(), "", s.SKUs())
	m := s.future(v[0], s.Items[0])
	ctx, stop := context.WithCancel(t.Context())
	tried := 0
	search := &search{left: budget, least: math.Inf(1), cost: func(p Policy) (float64, bool) {
		if ctx.Err() != nil {
			return 0, false
		}
		if tried++; tried == 5 {
			stop()
		}
		return m.cost(p), true
	}}
	search.climb(s.plain(v[0]), stride(s.plain(v[0])))
	if tried != 5 {
		t.Errorf("%d evaluations, stopped in the 5th", tried)
	}
}

func TestAnEndedContextIsTheAnswer(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	stop(queue.ErrSuperseded)
	if _, err := New(store{}).Optimise(ctx, &queue.Job[Settings]{Args: question(products(100)...)}); !errors.Is(err, queue.ErrSuperseded) {
		t.Errorf("%v", err)
	}
}
