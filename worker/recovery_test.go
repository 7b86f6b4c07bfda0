package worker_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/plant"
)

// TestRecovery_E2 kills workers: what they ran starts elsewhere when the lease has
// lapsed, and hardly later.
func TestRecovery_E2(t *testing.T) {
	kills := plant.Size("LEAT_STOPS", 20, 50)
	var waits []time.Duration
	for i := range kills {
		waits = append(waits, killed(t, plant.Dice(uint64(i)))...)
	}
	slices.Sort(waits)
	p99 := waits[len(waits)*99/100]
	t.Logf("%d kills, %d jobs: the median started elsewhere after %v, p99 %v, the last %v", kills, len(waits), waits[len(waits)/2], p99, waits[len(waits)-1])
	if p99 > stopLapse {
		t.Errorf("p99 of recovery is %v, want %v", p99, stopLapse)
	}
}

func killed(t *testing.T, rnd *rand.Rand) (waits []time.Duration) {
	plant.Run(t, plant.Options{
		Worker: func(w *plant.Worker) { w.Lease, w.Concurrency = stopLease, stopSlots },
		Handle: func(_ context.Context, p *plant.Process, j *plant.Job) (plant.Result, error) {
			if p.Name == firstProcess {
				p.Never()
			}
			return p.Result(j), nil
		},
	}, func(pl *plant.Plant) {
		jobs := pl.Jobs(stopSlots, "")
		first := pl.Start()
		for _, a := range jobs { // so that their leases lapse one by one
			pl.MustAskAll([]plant.Args{a})
			time.Sleep(upTo(rnd, time.Second))
		}
		pl.Start()
		time.Sleep(upTo(rnd, 3*stopLease))
		at := time.Now()
		first.Kill()
		pl.Finish(time.Hour)
		for _, a := range jobs {
			runs := pl.Witness.Runs(a.N)
			if len(runs) != 2 || runs[1].Number != 2 {
				t.Errorf("job %d ran as %+v, want twice", a.N, runs)
				continue
			}
			waits = append(waits, runs[1].At.Sub(at))
		}
	})
	return waits
}
