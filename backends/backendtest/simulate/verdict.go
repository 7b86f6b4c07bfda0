package simulate

import (
	"fmt"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/verdict"
)

// Verdict is what came of a run.
type Verdict struct {
	Runs, Calls, Jobs, Faults int
	Recovered                 int // jobs whose enqueue was never acknowledged, and that ran

	Ends map[backends.State]int

	verdict.Findings
}

func (v Verdict) String() string {
	return fmt.Sprintf("%d runs, %d calls, %d jobs (%v), %d faults, %d recovered; %s",
		v.Runs, v.Calls, v.Jobs, v.Ends, v.Faults, v.Recovered, v.Counts())
}

func (v *Verdict) add(o Verdict) {
	v.Runs += o.Runs
	v.Calls += o.Calls
	v.Jobs += o.Jobs
	v.Faults += o.Faults
	v.Recovered += o.Recovered
	v.Findings.Add(o.Findings)
	if v.Ends == nil {
		v.Ends = map[backends.State]int{}
	}
	for end, n := range o.Ends {
		v.Ends[end] += n
	}
}

// finished reports whether nothing is left to do.
func (w *world) finished() bool {
	if w.op == nil {
		return false
	}
	if !w.features.Stats {
		return w.allOver()
	}
	w.calls++
	st, err := w.op.Stats(w.ctx, queue)
	return err == nil && st.Depth() == 0 && st.Running == 0 && st.Owing == 0
}

// allOver asks for each job, where the store can't count. Looking is no call that
// counts: nobody but the test does it. Whoever is over when calm has come stays so.
func (w *world) allOver() bool {
	for ; w.over < len(w.order); w.over++ {
		ref := w.order[w.over]
		r, err := w.inner.Lookup(w.ctx, ref, 0)
		if err == nil && (!r.State.Ended() || r.Owes != 0) && !w.ghost(w.asked[ref], r) {
			return false
		}
	}
	return true
}

// ghost is a job that nobody was promised, of a producer that died between its
// record and its message, where these are two things. It expires with its queue.
func (w *world) ghost(a *asked, r *backends.Record) bool {
	return !w.features.KeepsPayload && !a.acked && r.Token == 0
}

// verdict looks at all jobs once more, when all is quiet.
func (w *world) verdict() Verdict {
	v := Verdict{
		Runs: 1, Jobs: len(w.order), Faults: w.fault.Injected(backendtest.AnyVerb), Ends: map[backends.State]int{},
	}
	for _, ref := range w.order {
		w.look(ref)
		a := w.asked[ref]
		switch {
		case a.seen == nil: // never created: fine unless acknowledged, which look has noticed
		case w.ghost(a, a.seen):
		case !a.seen.State.Ended() || a.seen.Owes != 0:
			w.bad(verdict.Stuck, "%s is %v, due %v, owes %v", ref.ID, a.seen.State, a.seen.Due, a.seen.Owes)
		case !a.acked && a.seen.Token > 0:
			v.Recovered++
		}
		if a.seen != nil {
			v.Ends[a.seen.State]++
		}
	}
	for _, ref := range w.order {
		w.judgeLives(ref)
	}
	w.judgeBatches()
	w.judgeListing()
	v.Calls, v.Findings = w.calls, w.found
	return v
}

// judgeLives sees that each end of a job was announced.
func (w *world) judgeLives(ref backends.Ref) {
	r := w.asked[ref].seen
	if r == nil || w.ghost(w.asked[ref], r) {
		return
	}
	for g := r.Generation; ; g-- {
		d := w.lives[life{ref, g}]
		if d == nil {
			return
		}
		if left := d.owed &^ d.delivered &^ d.dropped; left != 0 && d.end != 0 {
			w.bad(verdict.Unannounced, "%s: generation %d ended %v, and %v never left", ref.ID, g, d.end, left)
		}
	}
}

// judgeBatches sees that a collation job counted each member once.
func (w *world) judgeBatches() {
	for _, b := range w.batches {
		c := w.asked[b.collation.Ref].seen
		if c == nil || c.Batch == nil {
			continue
		}
		created, failed := 0, 0
		for _, m := range b.members {
			if r := w.asked[m].seen; r != nil {
				created++
				if r.State.Failed() || r.Generation != w.first(m) { // its first end counts
					failed++
				}
			}
		}
		p := c.Batch
		if !w.features.CountsMembers {
			if p.Members > created || p.Ended > created || p.Failed > failed { // a lower bound
				w.bad(verdict.Wrong, "%s: %d members were created, %d failed; it found %+v", b.collation.ID, created, failed, *p)
			}
			continue
		}
		if p.Members != created || p.Ended != created || p.Failed > failed {
			w.bad(verdict.Wrong, "%s: %d members were created, %d failed; it counted %+v", b.collation.ID, created, failed, *p)
		}
	}
}

// first is the generation that a job was seen in first.
func (w *world) first(ref backends.Ref) int64 {
	g := w.asked[ref].seen.Generation
	for w.lives[life{ref, g - 1}] != nil {
		g--
	}
	return g
}

// judgeListing sees that the store holds nothing that nobody asked for.
func (w *world) judgeListing() {
	if w.op == nil || !w.features.Lists {
		return
	}
	req := backends.ListRequest{Queue: queue, AnyTenant: true}
	for {
		page, err := w.op.List(w.ctx, req)
		w.calls++
		if err != nil {
			w.must(err)
			return
		}
		for _, r := range page.Records {
			if w.asked[r.Job.Ref] == nil {
				w.bad(verdict.Unexpected, "%s is in the store", r.Job.ID)
			}
		}
		if req.Cursor = page.Cursor; req.Cursor == "" {
			return
		}
	}
}
