package worker_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

const (
	noisy     = "noisy"
	neighbour = 3    // most times the wait alone
	equals    = 0.95 // Jain's index among equals
)

// TestNoisyNeighbour_D3: a tenant with a hundred thousand jobs beside ten who send
// ten a second each, to a worker that has room for 1.6 times as much.
func TestNoisyNeighbour_D3(t *testing.T) {
	flood := plant.Size("LEAT_FLOOD", 10_000, 100_000)
	calm := calmly(10, 10, 20*time.Second)
	alone := town{slots: 2}.serve(t, calm)
	beside := town{slots: 2, flood: flood}.serve(t, calm)
	jain := jainIndex(beside)
	t.Logf("%d jobs of a noisy neighbour: p99 wait of %d others' %v, alone %v (%.2f times); Jain index of the mean waits %.4f",
		flood, len(calm), p99(beside), p99(alone), float64(p99(beside))/float64(p99(alone)), jain)
	if p99(beside) > neighbour*p99(alone) {
		t.Errorf("p99 wait %v beside a flood, %v alone: more than %d times", p99(beside), p99(alone), neighbour)
	}
	if jain < equals {
		t.Errorf("Jain index %.4f among equals, want %v", jain, equals)
	}
}

// TestNoisyNeighbour_D3_NoticesOneLine: where all are one tenant, the flood is served
// first, and the row must notice.
func TestNoisyNeighbour_D3_NoticesOneLine(t *testing.T) {
	calm := calmly(10, 10, 5*time.Second)
	alone := town{slots: 2}.serve(t, calm)
	beside := town{slots: 2, flood: 3000, oneLine: true}.serve(t, calm)
	if p99(beside) <= neighbour*p99(alone) {
		t.Errorf("p99 wait %v behind a flood, %v alone, and nobody would notice", p99(beside), p99(alone))
	}
}

// TestArrivals_D3 plays real arrivals of orders, where one partner of 38 has nine in
// ten: all others must wait about as long as if it were not there. The file lies
// beside the checkout, see its README there; where it doesn't, the synthetic excerpt
// of the next test has to do.
func TestArrivals_D3(t *testing.T) {
	const path = "../../shared/data/online_retail_arrivals.csv"
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no real arrivals here: %v", err)
	}
	defer f.Close()
	all := arrivals(t, f)
	replay(t, all[:min(len(all), plant.Size("LEAT_ARRIVALS", 3000, 8000))])
}

// TestArrivals_D3_Synthetic plays made-up arrivals in the form of the real ones.
func TestArrivals_D3_Synthetic(t *testing.T) {
	rnd := plant.Dice(38)
	var b strings.Builder
	b.WriteString("arrived_at,partner,order,sku_lines,units\n")
	at := time.Date(2010, 12, 1, 8, 0, 0, 0, time.UTC)
	for i := range 2000 {
		gap := 20 * time.Minute
		if i%500 < 250 {
			gap = 4 * time.Minute // a rush
		}
		at = at.Add(upTo(rnd, gap)).Truncate(time.Minute)
		partner := "synthetic A"
		if rnd.IntN(10) == 0 {
			partner = fmt.Sprintf("synthetic %c", 'B'+rune(rnd.IntN(20)))
		}
		lines := 1 + rnd.IntN(40)
		fmt.Fprintf(&b, "%s,%s,%d,%d,%d\n", at.Format(time.RFC3339), partner, i, lines, 10*lines)
	}
	replay(t, arrivals(t, strings.NewReader(b.String())))
}

// replay plays arrivals with the partner that has most of them, and without.
func replay(t *testing.T, all []arrival) {
	t.Helper()
	count := map[string]int{}
	loudest := all[0].tenant
	for _, a := range all {
		if count[a.tenant]++; count[a.tenant] > count[loudest] {
			loudest = a.tenant
		}
	}
	others := slices.DeleteFunc(slices.Clone(all), func(a arrival) bool { return a.tenant == loudest })
	// A wait that no queue causes: that for a slot, whose job is not broken off.
	service := slices.MaxFunc(all, func(a, b arrival) int { return int(a.takes - b.takes) }).takes
	alone := max(p99(town{slots: 2}.serve(t, others)), service)
	waits := town{slots: 2}.serve(t, all)
	loud := waits[loudest]
	delete(waits, loudest)
	line := town{slots: 2, oneLine: true}.serve(t, all)
	delete(line, loudest)
	t.Logf("%d arrivals of %d partners, %d of %s: p99 wait of the others %v, alone or for a slot %v; in one line %v; of the loudest %v",
		len(all), len(count), count[loudest], loudest, p99(waits), alone, p99(line), p99(map[string][]time.Duration{loudest: loud}))
	if p99(waits) > neighbour*alone {
		t.Errorf("p99 wait of the others %v, want at most %d times %v", p99(waits), neighbour, alone)
	}
	if p99(line) <= neighbour*alone {
		t.Errorf("in one line the others would wait %v: nobody would notice", p99(line))
	}
}

// arrival is a job that comes in.
type arrival struct {
	after  time.Duration // since the start
	tenant string
	takes  time.Duration
}

// arrivals reads the form of the real ones. A minute becomes a second, and 1.3 times
// the slots would serve the mean day: peaks have to wait.
func arrivals(t *testing.T, r io.Reader) (all []arrival) {
	t.Helper()
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var start, last time.Time
	sum := 0
	for _, row := range rows[1:] {
		at, err := time.Parse(time.RFC3339, row[0])
		lines, bad := strconv.Atoi(row[3])
		if err != nil || bad != nil || lines < 1 {
			t.Fatalf("row %v: %v, %v", row, err, bad)
		}
		if start.IsZero() {
			start, last = at, at
		}
		if night := at.Sub(last); night > time.Hour { // nothing waits then
			start = start.Add(night - time.Hour)
		}
		last = at
		lines = min(lines, 40)
		sum += lines
		all = append(all, arrival{at.Sub(start) / 60, row[1], time.Duration(lines)})
	}
	busy := 2 * float64(last.Sub(start)/60) / 1.3 // two slots
	for i := range all {
		all[i].takes *= time.Duration(busy / float64(sum))
	}
	return all
}

// calmly are arrivals of n equal tenants, each so often a second, with jitter.
func calmly(n, perSecond int, span time.Duration) (all []arrival) {
	tick := time.Second / time.Duration(perSecond)
	takes := 2 * time.Second * 10 / time.Duration(16*n*perSecond)
	for i := range n {
		rnd := rand.New(rand.NewPCG(11, uint64(i)))
		for at := time.Second; at < span+time.Second; at += tick {
			all = append(all, arrival{at + time.Duration(rnd.Int64N(int64(tick))), fmt.Sprint("tenant ", i), takes})
		}
	}
	slices.SortFunc(all, func(a, b arrival) int { return int(a.after - b.after) })
	return all
}

// town is where arrivals are served.
type town struct {
	slots   int
	flood   int  // jobs of the noisy neighbour, there from the start
	oneLine bool // nobody looks at tenants
}

// order is what its jobs say.
type order struct {
	Tenant string
	Takes  time.Duration
}

// queueing is how long the jobs of each tenant waited for their start.
type queueing struct {
	mu sync.Mutex
	n  int
	of map[string][]time.Duration
}

func (w *queueing) note(tenant string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	w.of[tenant] = append(w.of[tenant], d)
}

func (w *queueing) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

// serve plays arrivals, until the last of them is served.
func (w town) serve(t *testing.T, all []arrival) map[string][]time.Duration {
	t.Helper()
	out := &queueing{of: map[string][]time.Duration{}}
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(memory.Options{})
		defer store.Close()
		q := queue.New[order, queue.None](store, "orders")
		q.Retention = -1
		w.pour(t, q, all[0].takes)
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- w.worker(q, out).Run(ctx) }()
		w.send(t, q, all)
		for out.count() < len(all) {
			time.Sleep(time.Second)
		}
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return out.of
}

// pour lets the flood in.
func (w town) pour(t *testing.T, q *queue.Queue[order, queue.None], takes time.Duration) {
	one := queue.With(order{noisy, takes}, queue.Tenant(noisy))
	for left := w.flood; left > 0; left -= 1000 {
		if _, err := q.EnqueueAll(t.Context(), slices.Repeat([]queue.Item[order]{one}, min(left, 1000))); err != nil {
			t.Fatal(err)
		}
	}
}

func (w town) send(t *testing.T, q *queue.Queue[order, queue.None], all []arrival) {
	start := time.Now()
	for _, a := range all {
		time.Sleep(time.Until(start.Add(a.after)))
		tenant := a.tenant
		if w.oneLine {
			tenant = noisy
		}
		if _, err := q.Enqueue(t.Context(), order{a.tenant, a.takes}, queue.Tenant(tenant)); err != nil {
			t.Fatal(err)
		}
	}
}

// worker serves the orders, and notes how long they waited.
func (w town) worker(q *queue.Queue[order, queue.None], out *queueing) *worker.Worker[order, queue.None] {
	k := worker.New(q, worker.NoResult(func(_ context.Context, j *queue.Job[order]) error {
		if j.Args.Tenant != noisy {
			out.note(j.Args.Tenant, time.Since(j.Due))
		}
		time.Sleep(j.Args.Takes)
		return nil
	}))
	k.Concurrency, k.Logger = w.slots, slog.New(slog.DiscardHandler)
	k.Grace = time.Hour // the last may have begun only
	return k
}

// p99 is the wait that one job in a hundred exceeds.
func p99(of map[string][]time.Duration) time.Duration {
	all := slices.Sorted(func(yield func(time.Duration) bool) {
		for _, waits := range of {
			for _, d := range waits {
				if !yield(d) {
					return
				}
			}
		}
	})
	return all[len(all)*99/100]
}

// jainIndex of the mean waits: 1 when all are equal, 1/n when one has it all.
func jainIndex(of map[string][]time.Duration) float64 {
	sum, squares := 0.0, 0.0
	for _, waits := range of {
		mean := 0.0
		for _, d := range waits {
			mean += d.Seconds() / float64(len(waits))
		}
		sum += mean
		squares += mean * mean
	}
	return sum * sum / (float64(len(of)) * squares)
}
