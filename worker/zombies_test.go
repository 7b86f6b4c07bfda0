package worker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/linear"
	"github.com/leat-go/leat/backends/backendtest/verdict"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// TestZombies_B4 pauses a process that holds jobs for three leases, as SIGSTOP and
// SIGCONT do, or cuts its beats off without its knowing. Another takes its jobs over.
// Whatever the first then says of them must be refused, its handlers must learn that
// they are not theirs, and the others must not be disturbed.
func TestZombies_B4(t *testing.T) {
	pauses := plant.Size("LEAT_PAUSES", 40, 200)
	var sum plant.Verdict
	for i := range pauses {
		v := pause(t, uint64(i), nil)
		sum.Add(v)
		if v.StaleSettles == 0 || v.StaleExtends == 0 {
			t.Errorf("pause %d: the zombie said nothing: %v", i, v)
		}
		if v.Report(t); t.Failed() {
			t.Fatalf("in pause %d", i)
		}
	}
	t.Log(sum)
}

// TestZombies_B4_NoticesMissingFence: a store that hears zombies must be found out,
// whether they were paused or cut off.
func TestZombies_B4_NoticesMissingFence(t *testing.T) {
	for i := range uint64(2) {
		if v := pause(t, i, linear.Unfenced); !v.Has(verdict.Illegal) {
			t.Errorf("pause %d without fencing was found well: %v", i, v)
		}
	}
}

const (
	zombieLease = 6 * time.Second
	zombieBeat  = 2 * time.Second
	zombieJobs  = 5 // one of each way to go on afterwards
)

// zombies are the first process of a story.
type zombies struct {
	*plant.Plant
	back chan struct{} // closed when the pause is over
}

// pause tells one story: the even ones of a process that stops, the odd ones of beats
// that do.
func pause(t *testing.T, i uint64, around func(backends.Backend) backends.Backend) (v plant.Verdict) {
	z := &zombies{}
	plant.Run(t, plant.Options{
		Around: around, Handle: z.handle,
		Queue:  func(q *plant.Queue) { q.MaxAttempts = 2 },
		Worker: func(w *plant.Worker) { w.Lease, w.Beat, w.Concurrency = zombieLease, zombieBeat, zombieJobs },
	}, func(pl *plant.Plant) {
		z.Plant, z.back = pl, make(chan struct{})
		rnd := plant.Dice(i)
		jobs := pl.Jobs(zombieJobs, "")
		pl.MustAskAll(jobs)
		first := pl.Start()
		time.Sleep(upTo(rnd, 2*zombieBeat))
		if i%2 == 0 {
			first.Freeze()
		} else {
			end := time.Now().Add(3 * zombieLease)
			first.Faults.Inject(backendtest.Fault{
				Verb: backendtest.Extend, Kind: backendtest.Stall, Rate: func(int) bool { return time.Now().Before(end) },
			})
		}
		time.Sleep(upTo(rnd, zombieLease/2))
		pl.Start()
		time.Sleep(3 * zombieLease)
		first.Thaw()
		close(z.back)
		z.watch(jobs)
		pl.Finish(time.Hour)
		z.judge(jobs)
		v = pl.Verdict()
	})
	return v
}

// handle runs beyond the pause in both processes, so that the first comes back
// while the second is at work.
func (z *zombies) handle(ctx context.Context, p *plant.Process, j *plant.Job) (plant.Result, error) {
	name := fmt.Sprintf("token %d", j.Token)
	if p.Name != "process 1" {
		for range 5 {
			j.Progress(10, name)
			time.Sleep(zombieLease)
		}
		return p.Result(j), nil
	}
	<-z.back
	j.Progress(99, name)
	switch j.Args.N % zombieJobs {
	case 0: // settles at once
		return p.Result(j), nil
	case 1:
		return plant.Result{}, errors.New("no luck")
	case 2:
		return plant.Result{}, worker.Snooze(time.Second)
	case 3: // settles by itself
		r := p.Result(j)
		if err := p.Queue.Complete(context.WithoutCancel(ctx), j, r); !errors.Is(err, queue.ErrLost) {
			z.Witness.Bad(verdict.Illegal, "job %d is another's, and Complete says: %v", j.Args.N, err)
		}
		return r, worker.Settled
	}
	select { // goes on until it is told
	case <-ctx.Done():
		if cause := context.Cause(ctx); cause != queue.ErrLost {
			z.Witness.Bad(verdict.Wrong, "the context of a zombie ended with %v", cause)
		}
	case <-time.After(2 * zombieBeat):
		z.Witness.Bad(verdict.Illegal, "job %d is another's, and after two beats its handler doesn't know", j.Args.N)
	}
	return p.Result(j), nil
}

// watch sees that the progress of a job is that of its holder.
func (z *zombies) watch(jobs []plant.Args) {
	for range 3 {
		time.Sleep(zombieBeat)
		for _, a := range jobs {
			r := z.Lookup(z.Witness.Ref(a.N))
			if want := fmt.Sprintf("token %d", r.Token); r.State == backends.Running && r.Progress.Text != want {
				z.Witness.Bad(verdict.Wrong, "job %d has the progress %+v, and token %d", a.N, r.Progress, r.Token)
			}
		}
	}
}

// judge expects that each job ran twice: the second time counts.
func (z *zombies) judge(jobs []plant.Args) {
	for _, a := range jobs {
		r, runs := z.Lookup(z.Witness.Ref(a.N)), z.Witness.Runs(a.N)
		if r.State != backends.Succeeded || len(runs) != 2 || runs[1].Process == "process 1" || r.Attempt != 2 || len(r.Failures) > 0 {
			z.Witness.Bad(verdict.Wrong, "job %d ended %v at attempt %d after %+v; failures %v", a.N, r.State, r.Attempt, runs, r.Failures)
		}
	}
}
