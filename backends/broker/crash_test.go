package broker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

// errKilled is what a process gets that isn't there any more.
var errKilled = errors.New("killed")

// fuse kills a process at its n-th call to the transport or the records: before
// that call takes effect, or after, when its reply is lost.
type fuse struct {
	mu    sync.Mutex
	left  int // calls until then; < 0 = never
	after bool
	dead  bool
}

func (f *fuse) call(do func()) error {
	dead, effect := f.burn()
	if effect {
		do()
	}
	if dead {
		return errKilled
	}
	return nil
}

// burn tells whether this call finds the process dead, and whether it has its
// effect all the same.
func (f *fuse) burn() (dead, effect bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.dead:
		return true, false
	case f.left == 0:
		f.dead = true
		return true, f.after
	}
	f.left--
	return false, true
}

// mortal is a pair that dies when its fuse has burned down.
type mortal struct {
	broker.Transport
	broker.Records
	*fuse
}

// fused is a call of a verb, if the process lives to make it.
func fused[T any](f *fuse, do func() (T, error)) (v T, err error) {
	if dead := f.call(func() { v, err = do() }); dead != nil {
		var none T
		return none, dead
	}
	return v, err
}

func (m mortal) Send(ctx context.Context, ms []broker.Message) ([]error, error) {
	return fused(m.fuse, func() ([]error, error) { return m.Transport.Send(ctx, ms) })
}

func (m mortal) Receive(ctx context.Context, n int, d time.Duration) ([]*broker.Delivery, error) {
	return fused(m.fuse, func() ([]*broker.Delivery, error) { return m.Transport.Receive(ctx, n, d) })
}

func (m mortal) Ack(ctx context.Context, ds []*broker.Delivery) ([]error, error) {
	return fused(m.fuse, func() ([]error, error) { return m.Transport.Ack(ctx, ds) })
}

func (m mortal) Nack(ctx context.Context, ns []broker.Nack) ([]error, error) {
	return fused(m.fuse, func() ([]error, error) { return m.Transport.Nack(ctx, ns) })
}

func (m mortal) Extend(ctx context.Context, d time.Duration, ds []*broker.Delivery) ([]error, error) {
	return fused(m.fuse, func() ([]error, error) { return m.Transport.Extend(ctx, d, ds) })
}

func (m mortal) Get(ctx context.Context, key string, hint backends.Version) (v []byte, version backends.Version, err error) {
	if dead := m.call(func() { v, version, err = m.Records.Get(ctx, key, hint) }); dead != nil {
		return nil, "", dead
	}
	return v, version, err
}

func (m mortal) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	return fused(m.fuse, func() (backends.Version, error) { return m.Records.Put(ctx, key, v, prev, expire) })
}

// mortal opens the pair as a process that dies at its n-th call.
func (s setup) mortal(f *fuse) *broker.Backend {
	m := mortal{opening{s.pipe}, s.shelf, f}
	return broker.New(m, m, quiet())
}

// world is what a crash leaves: who survives, and what was promised.
type world struct {
	*testing.T
	setup
	promised map[backends.Ref]bool
	events   map[string]int // by id and generation
	commits  map[string]int // acknowledged commits of a result
}

const theQueue = "whatif"

var thePolicy = &backends.Policy{Owes: backends.Event, MaxCrashes: 100, Retention: 30 * 24 * time.Hour}

func (w *world) enqueue(b backends.Backend, jobs ...backends.Job) {
	out, err := b.Enqueue(w.Context(), backends.EnqueueRequest{Queue: theQueue, Policy: thePolicy, Jobs: jobs})
	for i := range out {
		if err == nil && out[i].Err == nil {
			w.promised[jobs[i].Ref] = true
		}
	}
}

// work claims and commits until nothing comes for a day, announcing all.
func (w *world) work(b backends.Backend, patience time.Duration) {
	for {
		ctx, cancel := context.WithTimeout(w.Context(), patience)
		leases, err := b.Claim(ctx, backends.ClaimRequest{
			Queue: theQueue, Policy: thePolicy, Max: 4, Lease: 30 * time.Second,
			RunLimit: time.Minute, Grace: time.Second, CanAnnounce: backends.Event | backends.WriteBack,
		})
		cancel()
		if err != nil {
			return
		}
		for _, l := range leases {
			w.run(b, l)
		}
	}
}

func (w *world) run(b backends.Backend, l *backends.Lease) {
	name := fmt.Sprint(l.Job.ID, "/", l.Generation)
	settle := func(s backends.Settlement) error {
		s.Lease = l
		errs, err := b.Settle(w.Context(), []backends.Settlement{s})
		if err == nil && len(errs) > 0 {
			err = errs[0]
		}
		return err
	}
	if l.Outcome == nil {
		s := backends.Settlement{Verb: backends.Commit, Outcome: backends.Succeeded, Result: l.Job.Payload}
		if l.Job.Kind == "dies" && !w.hadLife(l) {
			s = backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Error: "boom"}
		}
		if l.Job.Kind == "retries" && l.Attempt == 1 {
			s = backends.Settlement{Verb: backends.Retry, Delay: time.Minute, Error: "once more"}
		}
		if l.Job.Kind == "snoozes" && l.Token == 1 {
			s = backends.Settlement{Verb: backends.Snooze, Delay: time.Minute}
		}
		if settle(s) != nil || s.Verb != backends.Commit {
			return
		}
		w.commits[name]++
	}
	w.events[name]++
	_ = settle(backends.Settlement{Verb: backends.Announced})
}

// hadLife reports whether an earlier generation has ended.
func (w *world) hadLife(l *backends.Lease) bool {
	return w.commits[fmt.Sprint(l.Job.ID, "/", l.Generation-1)] > 0
}

// scenes are the stories in which every call may be the last of a process.
var scenes = map[string]func(w *world, b backends.Backend){
	"enqueue": func(w *world, b backends.Backend) {
		w.enqueue(b, plainJob("a"), plainJob("b"))
		w.enqueue(b, placedJob("c"), placedJob("d"))
	},
	"claim and settle": func(w *world, b backends.Backend) {
		w.enqueue(w.setup, plainJob("a"), kindJob("r", "retries"), kindJob("s", "snoozes"), placedJob("c"))
		w.work(b, 10*time.Minute)
	},
	"cancel": func(w *world, b backends.Backend) {
		late := plainJob("a")
		late.Delay = time.Hour
		w.enqueue(w.setup, late)
		_, _ = b.(backends.Operator).Cancel(w.Context(), []backends.Ref{late.Ref})
		w.work(b, time.Minute)
	},
	"redrive": func(w *world, b backends.Backend) {
		w.enqueue(w.setup, kindJob("x", "dies"))
		w.work(w.setup, time.Minute)
		r, err := w.Lookup(w.Context(), kindJob("x", "").Ref, 0)
		if err != nil || r.State != backends.Dead {
			w.Fatalf("before the redrive: %+v, %v", r, err)
		}
		for _, by := range []backends.Backend{b, w.setup} { // the operator repeats it elsewhere
			_, _ = by.(backends.Operator).Redrive(w.Context(), []backends.Redrive{{Ref: r.Job.Ref, Generation: r.Generation}})
		}
		w.work(b, time.Minute)
	},
	"collate": func(w *world, b backends.Backend) {
		c := plainJob("c")
		c.Batch = &backends.Batch{Hold: 1, Tolerate: -1, Seed: "seed"}
		sealed := c
		sealed.Batch = &backends.Batch{Hold: 1, Tolerate: -1, Seed: "seed", Sealed: true, Members: 2}
		jobs := []backends.Job{c}
		for i := range 2 {
			m := plainJob(backends.MemberID("seed", i))
			m.Batch = &backends.Batch{Member: c.Ref, Index: int32(i)}
			jobs = append(jobs, m)
		}
		for _, by := range []backends.Backend{b, w.setup} { // a splitter that died resumes
			w.enqueue(by, append(jobs, sealed)...)
		}
		w.work(b, 10*time.Minute)
	},
}

func plainJob(id string) backends.Job {
	return backends.Job{Ref: backends.Ref{Tenant: "zeta", ID: id}, Payload: []byte(`{"id":"` + id + `"}`)}
}

func kindJob(id, kind string) backends.Job {
	j := plainJob(id)
	j.Kind = kind
	return j
}

func placedJob(id string) backends.Job {
	j := plainJob(id)
	j.Supersede = "screen-9"
	return j
}

// TestCrashPoints_B3: a process stops between every two calls of every verb, with
// the last one done or not, and another goes on. Nothing that was acknowledged is
// lost, no end is written twice, and each end is announced.
func TestCrashPoints_B3(t *testing.T) {
	for name, scene := range scenes {
		for _, f := range []broker.TransportFeatures{standardFacts(), fifoFacts()} {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/after=%v", name, f.Name, after), func(t *testing.T) {
					points := 0
					for alive := true; alive; points++ {
						synctest.Test(t, func(t *testing.T) { alive = !crashAt(t, f, scene, points, after) })
						if t.Failed() {
							t.Fatalf("killed at call %d", points)
						}
					}
					t.Logf("%d crash points", points-1)
				})
			}
		}
	}
}

// crashAt plays a scene with a process that dies at a call; it reports whether the
// scene was over before.
func crashAt(t *testing.T, f broker.TransportFeatures, scene func(*world, backends.Backend), point int, after bool) (survived bool) {
	w := &world{T: t, setup: opened(f, true), promised: map[backends.Ref]bool{}, events: map[string]int{}, commits: map[string]int{}}
	defer w.Close()
	fu := &fuse{left: point, after: after}
	b := w.mortal(fu)
	defer b.Close()
	scene(w, b)
	w.work(w.setup, 24*time.Hour)
	w.judge()
	return !fu.dead
}

func (w *world) judge() {
	for ref := range w.promised {
		r, err := w.Lookup(w.Context(), ref, 0)
		switch {
		case err != nil:
			w.Errorf("%v: %v", ref, err)
		case !r.State.Ended() || r.Owes != 0:
			w.Errorf("lost: %v is %v, owes %v", ref, r.State, r.Owes)
		case w.events[fmt.Sprint(ref.ID, "/", r.Generation)] == 0:
			w.Errorf("no event: %v is %v", ref, r.State)
		}
	}
	for name, n := range w.commits {
		if n > 1 {
			w.Errorf("duplicated: %s was committed %d times", name, n)
		}
	}
	if n := len(w.pipe.messages); n > 0 {
		w.Errorf("stuck: %d messages go round", n)
	}
}
