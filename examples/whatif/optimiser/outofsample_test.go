package optimiser

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/leat-go/leat/examples/whatif/demand"
)

// The policies are fitted on the first 40 weeks, from December to the beginning of
// September, and judged on the twelve that really followed: the autumn, in which a
// gift shop sells most. Both meet the same 200 draws of lead times; what counts is
// the mean cost. The prices of the excerpt make the saving a little other than that
// of all.
func TestItBeatsThePlainRuleOnAnExcerpt(t *testing.T) {
	judge(t, series(t, "testdata/excerpt.csv")).saves(t, 0.02, 30)
}

func TestItBeatsThePlainRuleOnAllRealDemand(t *testing.T) {
	path := filepath.Join(data(), "online_retail_weekly_demand.csv")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no %s; LEAT_DATA names the folder of the full data", path)
	}
	if testing.Short() || racing {
		t.Skip("some seconds, under the race detector a minute")
	}
	judge(t, series(t, path)).saves(t, 0.03, 2000)
}

// racing says that the race detector is at work; the excerpt is enough for it.
var racing bool

// data is the folder of the real files: beside the checkout, or where LEAT_DATA says.
func data() string {
	if dir := os.Getenv("LEAT_DATA"); dir != "" {
		return dir
	}
	return "../../../../shared/data"
}

func series(t testing.TB, path string) []Vector {
	t.Helper()
	read, err := demand.SeriesFile(path)
	if err != nil {
		t.Fatal(err)
	}
	vectors := make([]Vector, len(read))
	for i, s := range read {
		sold := max(1, sum(s.Weekly))
		vectors[i] = Vector{SKU: s.SKU, Price: s.Price, Weekly: s.Weekly, Returned: min(1, float64(s.Returned)/float64(sold))}
	}
	return vectors
}

// verdict sums up what the twelve weeks cost.
type verdict struct {
	old, new  float64   // pounds
	savings   []float64 // share of each series' cost
	won, lost int
}

func judge(t *testing.T, all []Vector) (j verdict) {
	const known = 40
	for _, v := range all {
		truth := v.Weekly
		v.Weekly = truth[:known]
		s := question(v.SKU)
		s.Items[0].Stock = int(mean(replay(v.Weekly, s.Lead).demand) * s.Lead.Weeks)
		d, err := s.decide(t.Context(), v, s.Items[0])
		if err != nil {
			t.Fatal(err)
		}
		came := s.market(v, s.Items[0].Stock, happened(truth, known, s.Lead))
		j.add(came.average(d.Old), came.average(d.New))
	}
	return j
}

// happened is what came after the known weeks, under many draws of lead times.
func happened(truth []int, known int, lead Lead) *futures {
	f := draw(truth[known:], lead, Horizon, 200, source(99, "what came"))
	tail := []float64{float64(truth[known+Horizon]), float64(truth[known+Horizon])} // the last week of the file is a part of one
	for i := range f.demand {
		f.demand[i] = float64(truth[known+i%Horizon])
	}
	for i := range f.after {
		f.after[i] = during(tail, lead.Weeks)
	}
	f.mean = mean(replay(truth[:known], lead).demand)
	return f
}

func (m *market) average(p Policy) float64 {
	m.cost(p)
	return mean(m.totals)
}

func (j *verdict) add(old, now float64) {
	j.old += old
	j.new += now
	j.savings = append(j.savings, 1-now/max(old, 0.01))
	switch {
	case now < old-0.005:
		j.won++
	case now > old+0.005:
		j.lost++
	}
}

// saves wants a share of the cost, and so many series to be better off.
func (j verdict) saves(t *testing.T, share float64, won int) {
	t.Helper()
	slices.Sort(j.savings)
	saved := 1 - j.new/j.old
	t.Logf("%d series: £%.0f under the plain rule, £%.0f: %.1f %% saved, median of the series %.1f %%, %d better and %d worse",
		len(j.savings), j.old, j.new, 100*saved, 100*j.savings[len(j.savings)/2], j.won, j.lost)
	if saved < share || j.won < won {
		t.Errorf("saved %.3f, want %.3f; %d series better, want %d", saved, share, j.won, won)
	}
}
