package optimiser

import (
	"math"
	"slices"
	"testing"
)

func TestBlocksStayTogether(t *testing.T) {
	history := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10} // too short to drift
	f := draw(history, Lead{Weeks: 1}, Horizon, 500, source(1, "a"))
	first := map[float64]int{}
	for at := 0; at < len(f.demand); at += block {
		four := f.demand[at : at+block]
		for i, units := range four {
			if units != four[0]+float64(i) {
				t.Fatalf("%v are not weeks in a row", four)
			}
		}
		first[four[0]]++
	}
	for week := 1; week <= 7; week++ { // 1,500 blocks, 7 places
		if n := first[float64(week)]; n < 150 || n > 280 {
			t.Errorf("%d blocks of 1500 begin at week %d", n, week)
		}
	}
}

func TestZerosStayZeros(t *testing.T) {
	history := make([]int, 40)
	for i := 0; i < 40; i += 5 {
		history[i] = 10
	}
	f := draw(history, Lead{Weeks: 1}, Horizon, 500, source(1, "a"))
	zeros := 0
	for _, units := range f.demand {
		if units == 0 {
			zeros++
		}
	}
	if share := float64(zeros) / float64(len(f.demand)); math.Abs(share-0.8) > 0.03 {
		t.Errorf("%v of the weeks sell nothing, in the history 0.8", share)
	}
}

func TestADeadOrShortHistoryWorks(t *testing.T) {
	for _, history := range [][]int{{0}, {5}, make([]int, 52), {1, 2, 3}} {
		f := draw(history, Lead{Weeks: 3, Spread: 1}, Horizon, 10, source(1, "a"))
		if len(f.demand) != 120 || slices.ContainsFunc(f.demand, math.IsNaN) {
			t.Errorf("%v: %v", history, f.demand)
		}
	}
}

func TestDemandDriftsAsItDid(t *testing.T) {
	flat, jump := slices.Repeat([]int{10}, 40), append(slices.Repeat([]int{5}, 20), slices.Repeat([]int{20}, 20)...)
	random := source(1, "a")
	for _, units := range draw(flat, Lead{Weeks: 1}, Horizon, 100, random).demand {
		if units != 10 {
			t.Fatalf("what never changed is %v", units)
		}
	}
	high := 0
	for _, units := range draw(jump, Lead{Weeks: 1}, Horizon, 100, random).demand {
		if units > 20 {
			high++
		}
	}
	if high == 0 {
		t.Error("what doubled once never does again")
	}
}

func TestLeadTimesHaveTheirMeanAndSpread(t *testing.T) {
	random := source(1, "a")
	n, sum, squares := 20_000, 0.0, 0.0
	for range n {
		weeks := Lead{Weeks: 2, Spread: 0.8}.draw(random)
		sum += weeks
		squares += weeks * weeks
	}
	mu := sum / float64(n)
	if sd := math.Sqrt(squares/float64(n) - mu*mu); math.Abs(mu-2) > 0.03 || math.Abs(sd-0.8) > 0.03 {
		t.Errorf("mean %v and deviation %v, want 2 and 0.8", mu, sd)
	}
	if weeks := (Lead{Weeks: 2}).draw(random); weeks != 2 {
		t.Errorf("%v without a spread", weeks)
	}
}
