package demand

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// What the sample is made of.
const (
	samplePartners = 6
	sampleProducts = 24
	sampleWeeks    = 52
	sampleDays     = 30
	loudVisits     = 1200 // of the first partner, in all
	quietVisits    = 300  // of the others together
)

var greek = []string{
	"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu",
	"nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
}

// Sample invents the demand and the arrivals of some partners, 0 = six, in one
// month: the same each time, and nobody's. The first partner is loud, with four
// fifths of the visits of six partners; the last one has no series of its own.
func Sample(partners int) ([]Series, []Arrival) {
	if partners <= 0 {
		partners = samplePartners
	}
	random := rand.New(rand.NewPCG(2026, 11))
	var series []Series
	var arrivals []Arrival
	for p := range partners {
		if p < max(1, partners-1) {
			series = append(series, sampleSeries(partner(p), random)...)
		}
		visits := max(3, quietVisits/max(1, partners-1))
		if p == 0 {
			visits = loudVisits
		}
		arrivals = append(arrivals, sampleArrivals(partner(p), visits, random)...)
	}
	slices.SortStableFunc(arrivals, func(a, b Arrival) int { return a.At.Compare(b.At) })
	for i := range arrivals {
		arrivals[i].Order = fmt.Sprint(100_000 + i)
	}
	return series, arrivals
}

func partner(n int) string {
	if n < len(greek) {
		return greek[n]
	}
	return fmt.Sprintf("partner %d", n+1)
}

// sampleSeries are lumpy, and have a season.
func sampleSeries(partner string, random *rand.Rand) []Series {
	all := make([]Series, sampleProducts)
	for i := range all {
		s := Series{
			Partner: partner, SKU: fmt.Sprintf("S%03d", i+1), Name: fmt.Sprintf("synthetic product %d", i+1),
			Price: 0.5 + math.Round(random.ExpFloat64()*400)/100, Weekly: make([]int, sampleWeeks),
		}
		busy, lot, peak := 0.3+0.7*random.Float64(), 1+random.IntN(12), random.Float64()
		for w := range s.Weekly {
			if random.Float64() < busy {
				season := 1 + 0.6*math.Cos(2*math.Pi*(float64(w)/sampleWeeks-peak))
				s.Weekly[w] = lot * int(math.Round(random.ExpFloat64()*4*season))
			}
			s.Returned += s.Weekly[w] / 40
		}
		all[i] = s
	}
	return all
}

// sampleArrivals come on weekdays, nine to five, and often several at once.
func sampleArrivals(partner string, visits int, random *rand.Rand) []Arrival {
	begin := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC) // a Monday
	all := make([]Arrival, 0, visits)
	for len(all) < visits {
		day := random.IntN(sampleDays)
		if day%7 > 4 {
			continue
		}
		at := begin.Add(time.Duration(day)*24*time.Hour + time.Duration(random.IntN(8*60))*time.Minute)
		for range min(1+random.IntN(4), visits-len(all)) {
			lines := 1 + random.IntN(15)
			all = append(all, Arrival{At: at, Partner: partner, Lines: lines, Units: lines * (1 + random.IntN(20))})
			at = at.Add(time.Duration(random.IntN(10)) * time.Minute)
		}
	}
	return all
}
