package worker_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// poisons are the ways in which a job may be bad.
var poisons = []string{"permanent", "fails", "panics", "goexits", "too large", "undecodable"}

// TestPoison_E5 mixes as many bad jobs as good ones: the good ones must be done in
// about the time that they take alone. Then an operator redrives the dead letters,
// dies half way, and begins anew, twice: each runs once more.
func TestPoison_E5(t *testing.T) {
	n := plant.Size("LEAT_POISON", 1000, 2000)
	alone := poisoned(t, n, 0)
	beside := poisoned(t, n, n)
	loss := 1 - alone.Seconds()/beside.Seconds()
	t.Logf("%d good jobs took %v, beside as many bad ones %v: a loss of %.2f %%", n, alone, beside, 100*loss)
	if loss > 0.05 {
		t.Errorf("good throughput fell by %.1f %%, want less than 5 %%", 100*loss)
	}
}

// A bad job costs its slot the round trip for the next: what is lost depends on how
// long good ones take.
const (
	poisonStore = time.Millisecond
	poisonGood  = 100 * time.Millisecond
)

// poison is one story.
type poison struct {
	*plant.Plant
	healed chan struct{} // closed when what was bad is good
}

func poisoned(t *testing.T, good, bad int) (took time.Duration) {
	p := &poison{}
	plant.Run(t, plant.Options{
		Handle: p.handle,
		Queue: func(q *plant.Queue) {
			q.MaxAttempts, q.Inline, q.Bucket = 3, 1000, nil
			q.Codec = spoiled{queue.JSON, p}
		},
		Faults: func(process string) []backendtest.Fault {
			if process == "producers" {
				return nil
			}
			return []backendtest.Fault{ // a store that is a network away
				{Verb: backendtest.Claim, Kind: backendtest.Delay, When: backendtest.After, Delay: poisonStore},
				{Verb: backendtest.Settle, Kind: backendtest.Delay, When: backendtest.After, Delay: poisonStore},
			}
		},
		Worker: func(w *plant.Worker) {
			w.Concurrency, w.Backoff = 16, worker.Exponential(100*time.Millisecond, time.Second)
		},
	}, func(pl *plant.Plant) {
		p.Plant, p.healed = pl, make(chan struct{})
		start := time.Now()
		all := pl.Jobs(good+bad, "good")
		for i := range bad {
			all[i*(good+bad)/bad].Say = poisons[i%len(poisons)]
		}
		for len(all) > 0 {
			k := min(len(all), 1000)
			pl.MustAskAll(all[:k])
			all = all[k:]
		}
		pl.Start()
		for pl.Stats().Ended[backends.Succeeded] < good {
			time.Sleep(10 * time.Millisecond)
		}
		took = time.Since(start)
		pl.Finish(time.Hour)
		if dead := pl.Stats().Ended[backends.Dead]; dead != bad {
			t.Errorf("%d of %d bad jobs are dead", dead, bad)
		}
		close(p.healed)
		p.redrive(bad)
	})
	return took
}

func (p *poison) isHealed() bool {
	select {
	case <-p.healed:
		return true
	default:
		return false
	}
}

func (p *poison) handle(_ context.Context, at *plant.Process, j *plant.Job) (plant.Result, error) {
	r := at.Result(j)
	switch say := j.Args.Say; {
	case say == "good":
		time.Sleep(poisonGood)
	case p.isHealed():
	case say == "permanent":
		return r, worker.Permanent(errors.New("poison"))
	case say == "fails":
		return r, errors.New("poison")
	case say == "panics":
		panic("poison")
	case say == "goexits":
		runtime.Goexit()
	case say == "too large":
		r.Ballast = strings.Repeat("x", 2000)
	}
	return r, nil
}

// spoiled can't read some args until they are healed.
type spoiled struct {
	queue.Codec
	p *poison
}

func (s spoiled) Decode(data []byte, v any) error {
	if strings.Contains(string(data), "undecodable") && !s.p.isHealed() {
		return errors.New("not what it should be")
	}
	return s.Codec.Decode(data, v)
}

// redrive is an operator's who dies half way, and two others': each redrives all
// that the first had listed.
func (p *poison) redrive(bad int) {
	var letters []*backends.Record
	for r, err := range p.Queue.DeadLetters(p.T.Context()) {
		if err != nil {
			p.T.Fatal(err)
		}
		letters = append(letters, r)
	}
	give := func(some []*backends.Record) {
		if err := p.Redrive(p.T.Context(), some...); err != nil {
			p.T.Errorf("Redrive: %v", err)
		}
	}
	runs := p.Witness.Counted().Handled
	give(letters[:len(letters)/2])
	time.Sleep(time.Second)
	give(letters)
	give(letters)
	p.Finish(time.Hour)
	give(letters)
	p.Finish(time.Hour)
	if again := p.Witness.Counted().Handled - runs; again != bad {
		p.T.Errorf("%d redriven jobs ran %d times", bad, again)
	}
	for _, was := range letters {
		r := p.Lookup(was.Job.Ref)
		if r.State != backends.Succeeded || r.Generation != was.Generation+1 {
			p.T.Errorf("a redriven job is %v in generation %d, which was %d", r.State, r.Generation, was.Generation)
		}
	}
}

// TestProcessKiller_E5: a job that kills its process, whoever runs it, is dead after
// three, and the others are done.
func TestProcessKiller_E5(t *testing.T) {
	plant.Run(t, plant.Options{
		Worker: func(w *plant.Worker) { w.Concurrency = 4 },
		Handle: func(_ context.Context, p *plant.Process, j *plant.Job) (plant.Result, error) {
			time.Sleep(time.Second)
			if j.Args.Say == "killer" {
				p.Kill()
				p.Start()
			}
			return p.Result(j), nil
		},
	}, func(pl *plant.Plant) {
		killer := pl.Jobs(1, "killer")
		pl.MustAskAll(append(pl.Jobs(20, ""), killer...))
		pl.MustAskAll(pl.Jobs(20, ""))
		pl.Start()
		pl.Finish(time.Hour)
		r, runs := pl.Lookup(pl.Witness.Ref(killer[0].N)), pl.Witness.Runs(killer[0].N)
		if r.State != backends.Dead || r.Reason != backends.ReasonCrashed || len(runs) != 3 {
			t.Errorf("the killer is %v (%s) after %d runs, want dead after 3", r.State, r.Reason, len(runs))
		}
		// Who runs beside it each time crashes with it each time.
		bystanders := -1
		var letters []*backends.Record
		for r, err := range pl.Queue.DeadLetters(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if bystanders++; r.Job.Ref != pl.Witness.Ref(killer[0].N) {
				letters = append(letters, r)
			}
		}
		if err := pl.Redrive(t.Context(), letters...); err != nil {
			t.Error(err)
		}
		pl.Finish(time.Hour)
		if n := pl.Stats().Ended[backends.Succeeded]; n != 40 {
			t.Errorf("%d of 40 others succeeded", n)
		}
		t.Logf("%d others were beside it three times, and had to be redriven", bystanders)
	})
}
