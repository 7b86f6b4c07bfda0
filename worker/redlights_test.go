package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
)

// TestRedLights_C1 lets each step fail for minutes: health must turn red, say why,
// and turn green again when the step works.
func TestRedLights_C1(t *testing.T) {
	store := func(v backendtest.Verb, k backendtest.Kind) func(*lights, *plant.Process) {
		return func(_ *lights, p *plant.Process) {
			p.Faults.Inject(backendtest.Fault{Verb: v, Kind: k, Delay: 1000 * time.Hour})
		}
	}
	user := func(step string) func(*lights, *plant.Process) {
		return func(l *lights, _ *plant.Process) { l.broken.Store(&step) }
	}
	for name, c := range map[string]struct {
		breaks func(*lights, *plant.Process)
		says   string
		red    time.Duration // at the latest
	}{
		"claims fail":      {store(backendtest.Claim, backendtest.Fail), "no answer to a claim", 3*lightsLease + 10*time.Second},
		"the store hangs":  {store(backendtest.AnyVerb, backendtest.Delay), "no answer to a claim", 5 * lightsLease},
		"beats fail":       {store(backendtest.Extend, backendtest.Fail), "leases can't be renewed", lightsLease + 10*time.Second},
		"beats hang":       {store(backendtest.Extend, backendtest.Delay), "leases can't be renewed", 2*lightsLease + 10*time.Second},
		"writes fail":      {store(backendtest.Settle, backendtest.Fail), "outcomes can't be written", 10 * time.Second},
		"writes hang":      {store(backendtest.Settle, backendtest.Delay), "outcomes can't be written", 40 * time.Second},
		"the topic fails":  {user("announce"), "events can't be announced", 10 * time.Second},
		"the topic hangs":  {user("announce hangs"), "events can't be announced", 40 * time.Second},
		"the topic panics": {user("announce panics"), "events can't be announced", 10 * time.Second},
		"write-backs fail": {user("write-back"), "write-backs fail", 10 * time.Second},
		"a handler stays":  {user("handler"), "handlers don't return", 3 * lightsLease},
	} {
		t.Run(name, func(t *testing.T) {
			l := &lights{}
			plant.Run(t, plant.Options{
				Handle: l.handle, Announce: l.announce, WriteBack: l.writeBack,
				Queue: func(q *plant.Queue) { q.MaxCrashes = 100 },
				Worker: func(w *plant.Worker) {
					w.Lease, w.RunLimit, w.Grace, w.Concurrency = lightsLease, lightsLease, 5*time.Second, 12
				},
			}, func(pl *plant.Plant) {
				l.Plant = pl
				p := pl.Start()
				l.traffic(time.Minute)
				l.expect(p, "", time.Minute)
				c.breaks(l, p)
				l.traffic(c.red)
				l.expect(p, c.says, c.red)
				l.traffic(time.Minute)
				l.expect(p, c.says, c.red+time.Minute)
				p.Faults.Lift()
				l.broken.Store(nil)
				calm := time.Now()
				for !p.Worker.Health().Ready() && time.Since(calm) < 6*time.Minute { // what was to be announced comes back within five
					l.traffic(10 * time.Second)
				}
				l.expect(p, "", time.Since(calm))
				pl.Finish(time.Hour)
			})
		})
	}
}

const lightsLease = 15 * time.Second

type lights struct {
	*plant.Plant
	broken atomic.Pointer[string]
}

func (l *lights) is(step string) bool {
	b := l.broken.Load()
	return b != nil && *b == step
}

// traffic lets jobs come in, for a while.
func (l *lights) traffic(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
		l.MustAskAll(l.Jobs(1, ""))
	}
}

// expect holds the health against what it should say; "" = it is ready.
func (l *lights) expect(p *plant.Process, says string, after time.Duration) {
	l.T.Helper()
	h := p.Worker.Health()
	if says == "" && h.Ready() || says != "" && !h.Ready() && strings.Contains(fmt.Sprint(h.Problems), says) {
		return
	}
	l.T.Errorf("after %v health is %+v, want %q", after, h, says)
}

func (l *lights) handle(_ context.Context, p *plant.Process, j *plant.Job) (plant.Result, error) {
	time.Sleep(5 * time.Second)
	for l.is("handler") && j.Args.N%20 == 0 {
		time.Sleep(time.Second)
	}
	return p.Result(j), nil
}

func (l *lights) announce(ctx context.Context, _ *plant.Process, events []queue.Event, deliver func(queue.Event)) []error {
	errs := make([]error, len(events))
	switch {
	case l.is("announce panics"):
		panic("a bug of the announcer")
	case l.is("announce hangs"):
		<-ctx.Done()
	case !l.is("announce"):
		deliverAll(events, deliver)
		return errs
	}
	for i := range errs {
		errs[i] = errors.New("the topic is away")
	}
	return errs
}

func (l *lights) writeBack(_ context.Context, _ *plant.Process, _ *plant.Job, write func()) error {
	if l.is("write-back") {
		return errors.New("the offline store is away")
	}
	write()
	return nil
}
