package optimiser

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	paths = 128 // simulated futures of one product
	block = 4   // weeks of history that stay together
	level = 8   // weeks over which demand may drift to another level
	drift = 3   // most that it grows, or the part that it falls to
)

// futures are the weeks to come, drawn once for a product: every policy meets the
// same ones (common random numbers), so two costs differ by the policies alone.
type futures struct {
	weeks  int       // of each path
	demand []float64 // units asked for, path after path, week after week
	arrive []float64 // parallel: when an order of that week is there, in weeks from now
	after  []float64 // units asked for in the mean lead time after the last week, of each path
	mean   float64   // units a week
}

// source gives a product its own random numbers. They depend on the seed and the
// name alone: not on the other products, on what runs first, or on the attempt.
func source(seed uint64, sku string) rand.Source {
	h := fnv.New64a()
	h.Write([]byte(sku)) // never fails
	return rand.NewPCG(seed, h.Sum64())
}

// draw makes n paths from what was sold and from how long orders take.
func draw(history []int, lead Lead, weeks, n int, src rand.Source) *futures {
	random := rand.New(src)
	tail := int(math.Ceil(lead.Weeks))
	f := &futures{weeks: weeks}
	row := make([]float64, weeks+tail)
	for range n {
		bootstrap(row, history, random)
		scale(row, growth(history, random))
		f.demand = append(f.demand, row[:weeks]...)
		f.after = append(f.after, during(row[weeks:], lead.Weeks))
	}
	f.mean = mean(f.demand)
	f.arrive = make([]float64, len(f.demand))
	for i := range f.arrive {
		f.arrive[i] = float64(i%weeks) + lead.draw(src)
	}
	return f
}

// bootstrap fills row with blocks of consecutive weeks of the history, each drawn
// with equal chance (Künsch 1989): weeks that were alike stay together, and so do
// the weeks in which nothing was sold. A history shorter than a block is one.
func bootstrap(row []float64, history []int, random *rand.Rand) {
	size := min(block, len(history))
	for filled := 0; filled < len(row); filled += size {
		first := random.IntN(len(history) - size + 1)
		for i := range min(size, len(row)-filled) {
			row[filled+i] = float64(history[first+i])
		}
	}
}

// growth is how much the level of demand may change from here: as much as it did
// from some stretch of weeks in the history to the next. Blocks alone are drawn
// from all of the past, and would make every future about as busy as the past was on
// average. A quarter of the mean on both sides keeps rare sales from making it wild.
func growth(history []int, random *rand.Rand) float64 {
	if len(history) < 2*level {
		return 1
	}
	now := level + random.IntN(len(history)-2*level+1)
	calm := float64(sum(history)*level) / float64(4*len(history))
	if calm == 0 {
		return 1
	}
	before, after := float64(sum(history[now-level:now])), float64(sum(history[now:now+level]))
	return min(drift, max(1.0/drift, (after+calm)/(before+calm)))
}

// scale changes the level of demand, in whole units.
func scale(row []float64, by float64) {
	for i := range row {
		row[i] = math.Round(float64(row[i] * by))
	}
}

func sum(units []int) int {
	all := 0
	for _, n := range units {
		all += n
	}
	return all
}

// during adds up what flows in the first weeks of row, of the last one a part.
func during(row []float64, weeks float64) float64 {
	sum := 0.0
	for i, units := range row {
		sum += float64(units * max(0, min(1, weeks-float64(i))))
	}
	return sum
}

// draw returns how many weeks one order takes.
func (l Lead) draw(src rand.Source) float64 {
	if l.Spread < l.Weeks/1000 {
		return l.Weeks
	}
	variance := float64(l.Spread * l.Spread)
	return distuv.Gamma{Alpha: l.Weeks * l.Weeks / variance, Beta: l.Weeks / variance, Src: src}.Rand()
}

// replay is the past as the only future, with every order on time.
func replay(history []int, lead Lead) *futures {
	f := &futures{weeks: len(history)}
	for week, units := range history {
		f.demand = append(f.demand, float64(units))
		f.arrive = append(f.arrive, float64(week)+lead.Weeks)
	}
	f.mean = mean(f.demand)
	f.after = []float64{float64(f.mean * lead.Weeks)}
	return f
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
