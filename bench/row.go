package main

import (
	"fmt"
	"slices"
)

// row is one thing that is measured, on several sides in turn.
type row struct {
	class, metric string
	unit          unit
	sides         []side
	goals         []goal
}

// side is one way to do it: ours under some condition, a peer, or the limit.
type side struct {
	name string
	role role
	run  func(sizes) (sample, error)
}

type role string

const (
	ours  role = "ours"
	peer  role = "peer"
	limit role = "limit"
)

// goal bounds ours relative to another side of the row, or by itself.
type goal struct {
	ours      string
	reference string  // "" = the value itself is bound
	bound     float64 // of a ratio at least, of a value at most
}

// unit is what the sides of a row are compared by; less is better.
type unit struct {
	name string
	of   func(sample) float64
}

var (
	cpuPerJob   = unit{"CPU µs/job", func(s sample) float64 { return float64(s.CPU.Nanoseconds()) / 1e3 / float64(s.Jobs) }}
	bytesPerJob = unit{"bytes/job", func(s sample) float64 { return float64(s.Bytes) / float64(s.Jobs) }}
	wallPerJob  = unit{"wall µs/job", func(s sample) float64 { return float64(s.Wall.Nanoseconds()) / 1e3 / float64(s.Jobs) }}
	p50         = unit{"µs", func(s sample) float64 { return float64(s.P50.Nanoseconds()) / 1e3 }}
	p99         = unit{"p99 µs", func(s sample) float64 { return float64(s.P99.Nanoseconds()) / 1e3 }}
)

// perSecond is the bound, as wall time, of so many jobs a second.
func perSecond(jobs float64) float64 { return 1e6 / jobs }

func (r row) name() string { return r.class + "/" + r.metric }

// result is what came of a row: per side one sample a round.
type result struct {
	row
	samples [][]sample
}

// measure runs all sides in every round, in turn forwards and backwards, so
// that what drifts hits both ends alike.
func (r row) measure(n sizes) (result, error) {
	res := result{r, make([][]sample, len(r.sides))}
	for round := range n.rounds {
		for i := range r.sides {
			if round%2 == 1 {
				i = len(r.sides) - 1 - i
			}
			settleHeap()
			s, err := r.sides[i].run(n)
			if err != nil {
				return res, fmt.Errorf("%s: %w", r.sides[i].name, err)
			}
			res.samples[i] = append(res.samples[i], s)
		}
	}
	return res, nil
}

// ratio returns how a goal fared in each round: above 1, ours is better than
// the reference.
func (r result) ratio(g goal) []float64 {
	a := r.values(g.ours)
	if g.reference == "" {
		return a
	}
	b := r.values(g.reference)
	for i := range a {
		a[i] = b[i] / a[i]
	}
	return a
}

// met reports whether the median keeps the bound.
func (r result) met(g goal) (value float64, ok bool) {
	value = spreadOf(r.ratio(g)).median
	if g.reference == "" {
		return value, value <= g.bound
	}
	return value, value >= g.bound
}

// values are the figures of one side, by round.
func (r result) values(name string) []float64 {
	i := slices.IndexFunc(r.sides, func(s side) bool { return s.name == name })
	var v []float64
	for _, s := range r.samples[i] {
		v = append(v, r.unit.of(s))
	}
	return v
}

// spread is where most figures are, and how far they go.
type spread struct{ median, min, max float64 }

func spreadOf(v []float64) spread {
	v = slices.Sorted(slices.Values(v))
	mid := len(v) / 2
	median := v[mid]
	if len(v)%2 == 0 {
		median = (v[mid-1] + v[mid]) / 2
	}
	return spread{median, v[0], v[len(v)-1]}
}
