package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
)

// A process that stops leaves the file, and the log as far as it had written it. In row
// B3 it stops before and after every statement of a call, and between every two writes
// of a commit and of a checkpoint: the files as they are then are copied, and another
// goes on with the copy.

const (
	crashQueue = "whatif"
	crashLease = 20 * time.Second
)

// crashPolicy has a limit, so that those who wait are counted.
func crashPolicy() *backends.Policy {
	return &backends.Policy{Owes: backends.Event, MaxCrashes: 100, Retention: 30 * 24 * time.Hour, Backlog: 1000}
}

// scene is a call that may be the last of its process.
type scene struct {
	name    string
	prepare func(w *world)
	step    func(w *world, b backends.Backend) error // may be repeated
}

// world is what goes on around it.
type world struct {
	*testing.T
	b       backends.Backend // which prepares
	leases  map[string]*backends.Lease
	effects map[string]uint64 // acknowledged successes: the token, by id and generation
}

func crashJob(id string) backends.Job {
	return backends.Job{Ref: backends.Ref{Tenant: "zeta", ID: id}, Kind: "k", Payload: []byte(`"` + id + `"`)}
}

func placed(id string) backends.Job {
	j := crashJob(id)
	j.Supersede = "screen-9"
	return j
}

func collation(sealed bool) backends.Job {
	j := crashJob("c")
	j.Batch = &backends.Batch{Hold: 1, Tolerate: -1, Seed: "seed", Sealed: sealed}
	if sealed {
		j.Batch.Members = 2
	}
	return j
}

func member(i int) backends.Job {
	j := crashJob(backends.MemberID("seed", i))
	j.Batch = &backends.Batch{Member: crashJob("c").Ref, Index: int32(i)}
	return j
}

func enqueues(b backends.Backend, jobs ...backends.Job) error {
	out, err := b.Enqueue(context.Background(), backends.EnqueueRequest{Queue: crashQueue, Policy: crashPolicy(), Jobs: jobs})
	for _, o := range out {
		err = errors.Join(err, o.Err)
	}
	return err
}

// claims gets leases, or nothing if none is to be had for a while.
func (w *world) claims(b backends.Backend, n int, patience time.Duration) []*backends.Lease {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	leases, err := b.Claim(ctx, backends.ClaimRequest{
		Queue: crashQueue, Policy: crashPolicy(), Max: n, Lease: crashLease, RunLimit: crashLease,
		CanAnnounce: backends.Event | backends.WriteBack,
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		w.Errorf("Claim: %v", err)
	}
	for _, l := range leases {
		w.leases[l.Job.ID] = l
	}
	return leases
}

func settles(b backends.Backend, l *backends.Lease, s backends.Settlement) error {
	s.Lease = l
	errs, err := b.Settle(context.Background(), []backends.Settlement{s})
	if err == nil && errs != nil {
		err = errs[0]
	}
	return err
}

func success(l *backends.Lease) backends.Settlement {
	return backends.Settlement{Verb: backends.Commit, Outcome: backends.Succeeded, Result: l.Job.Payload}
}

// settling is the scene of one settlement of a running job.
func settling(name string, s backends.Settlement) scene {
	return scene{"settle: " + name, func(w *world) {
		w.must(enqueues(w.b, crashJob("a"), crashJob("b")))
		w.claims(w.b, 1, time.Hour)
	}, func(w *world, b backends.Backend) error {
		if s.Outcome == backends.Succeeded {
			return w.succeed(b, w.leases["a"])
		}
		return settles(b, w.leases["a"], s)
	}}
}

// succeed commits, and counts what was acknowledged.
func (w *world) succeed(b backends.Backend, l *backends.Lease) error {
	err := settles(b, l, success(l))
	if err == nil {
		life := fmt.Sprint(l.Job.ID, " ", l.Generation)
		if was, there := w.effects[life]; there && was != l.Token {
			w.Errorf("duplicated: %s took effect by the tokens %d and %d", life, was, l.Token)
		}
		w.effects[life] = l.Token
	}
	return err
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func operator(b backends.Backend) backends.Operator {
	op, _ := backends.As[backends.Operator](b)
	return op
}

var scenes = []scene{
	{"enqueue", func(*world) {}, func(_ *world, b backends.Backend) error {
		return enqueues(b, crashJob("a"), placed("p"), placed("q"))
	}},
	{"enqueue a member", func(w *world) { w.must(enqueues(w.b, collation(false))) }, func(_ *world, b backends.Backend) error {
		return enqueues(b, member(0), member(1))
	}},
	{"seal", func(w *world) { w.must(enqueues(w.b, collation(false), member(0), member(1))) }, func(_ *world, b backends.Backend) error {
		return enqueues(b, collation(true))
	}},
	{"claim", func(w *world) { w.must(enqueues(w.b, crashJob("a"), crashJob("b"), placed("p"))) }, func(w *world, b backends.Backend) error {
		w.claims(b, 2, time.Second)
		return nil
	}},
	{"claim what lapsed", func(w *world) {
		w.must(enqueues(w.b, crashJob("a"), placed("p")))
		w.claims(w.b, 2, time.Hour)
		time.Sleep(2 * crashLease)
	}, func(w *world, b backends.Backend) error {
		w.claims(b, 2, time.Second)
		return nil
	}},
	{"extend", func(w *world) {
		w.must(enqueues(w.b, crashJob("a")))
		w.claims(w.b, 1, time.Hour)
	}, func(w *world, b backends.Backend) error {
		errs, err := b.Extend(context.Background(), crashLease, []backends.Beat{
			{Lease: w.leases["a"], Progress: &backends.Progress{Percent: 50, Text: "half"}},
		})
		return errors.Join(append(errs, err)...)
	}},
	settling("success", backends.Settlement{Verb: backends.Commit, Outcome: backends.Succeeded}),
	settling("death", backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Error: "boom", Reason: "failed"}),
	settling("retry", backends.Settlement{Verb: backends.Retry, Delay: 10 * time.Second, Error: "once more"}),
	settling("snooze", backends.Settlement{Verb: backends.Snooze, Delay: 10 * time.Second}),
	settling("release", backends.Settlement{Verb: backends.Release}),
	{"settle: announced", func(w *world) {
		w.must(enqueues(w.b, crashJob("a")))
		w.claims(w.b, 1, time.Hour)
		w.must(w.succeed(w.b, w.leases["a"]))
	}, func(w *world, b backends.Backend) error {
		return settles(b, w.leases["a"], backends.Settlement{Verb: backends.Announced})
	}},
	{"count down", func(w *world) {
		w.must(enqueues(w.b, collation(false), member(0), member(1), collation(true)))
		w.claims(w.b, 2, time.Hour)
		w.must(w.succeed(w.b, w.leases[backends.MemberID("seed", 0)]))
	}, func(w *world, b backends.Backend) error {
		return w.succeed(b, w.leases[backends.MemberID("seed", 1)])
	}},
	{"supersede", func(w *world) {
		w.must(enqueues(w.b, placed("p")))
		w.claims(w.b, 1, time.Hour)
		w.must(enqueues(w.b, placed("q")))
	}, func(_ *world, b backends.Backend) error {
		return enqueues(b, placed("r"))
	}},
	{"cancel", func(w *world) {
		w.must(enqueues(w.b, crashJob("a"), crashJob("b")))
		w.claims(w.b, 1, time.Hour)
	}, func(_ *world, b backends.Backend) error {
		errs, err := operator(b).Cancel(context.Background(), []backends.Ref{crashJob("a").Ref, crashJob("b").Ref})
		return errors.Join(append(errs, err)...)
	}},
	{"redrive", func(w *world) {
		w.must(enqueues(w.b, crashJob("a")))
		w.claims(w.b, 1, time.Hour)
		w.must(settles(w.b, w.leases["a"], backends.Settlement{Verb: backends.Commit, Outcome: backends.Dead, Error: "boom"}))
		w.must(settles(w.b, w.leases["a"], backends.Settlement{Verb: backends.Announced}))
	}, func(w *world, b backends.Backend) error {
		errs, err := operator(b).Redrive(context.Background(), []backends.Redrive{{Ref: crashJob("a").Ref, Generation: w.leases["a"].Generation}})
		return errors.Join(append(errs, err)...)
	}},
	{"purge", func(w *world) { w.must(enqueues(w.b, crashJob("a"), placed("p"))) }, func(_ *world, b backends.Backend) error {
		_, err := operator(b).Purge(context.Background(), backends.PurgeRequest{Queue: crashQueue, AnyTenant: true, State: backends.Waiting})
		return err
	}},
}
