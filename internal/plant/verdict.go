package plant

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/backendtest/verdict"
)

// ctxNow is for those who look on: their calls don't block.
var ctxNow = context.Background()

// Verdict is what came of a run, or of many.
type Verdict struct {
	Runs, Calls, Jobs, Faults int
	Recovered                 int // jobs whose enqueue was never acknowledged, and that ran
	Dropped                   int // debts that were given up, as the policy says
	Ends                      map[backends.State]int
	Tally
	verdict.Findings
}

func (v Verdict) String() string {
	return fmt.Sprintf("%d runs, %d calls, %d faults, %d jobs (%v), %d handled, %d events, %d write-backs, %d lapses, %d recovered, %d debts dropped, stale: %d settles %d extends %d progress; %s",
		v.Runs, v.Calls, v.Faults, v.Jobs, v.Ends, v.Handled, v.Events, v.WriteBacks, v.Lapses, v.Recovered, v.Dropped,
		v.StaleSettles, v.StaleExtends, v.StaleProgress, v.Counts())
}

// Add adds another run's.
func (v *Verdict) Add(o Verdict) {
	v.Runs += o.Runs
	v.Calls += o.Calls
	v.Jobs += o.Jobs
	v.Faults += o.Faults
	v.Recovered += o.Recovered
	v.Dropped += o.Dropped
	v.Handled += o.Handled
	v.Events += o.Events
	v.WriteBacks += o.WriteBacks
	v.Lapses += o.Lapses
	v.StaleSettles += o.StaleSettles
	v.StaleExtends += o.StaleExtends
	v.StaleProgress += o.StaleProgress
	v.Findings.Add(o.Findings)
	if v.Ends == nil {
		v.Ends = map[backends.State]int{}
	}
	for end, n := range o.Ends {
		v.Ends[end] += n
	}
}

// Report fails t with what is bad.
func (v Verdict) Report(t *testing.T) {
	t.Helper()
	bad := v.Bad()
	if len(bad) == 0 {
		return
	}
	t.Error(v)
	for _, line := range bad[:min(20, len(bad))] {
		t.Log(line)
	}
}

// Verdict looks at all jobs, when all is quiet. The row has taken it then.
func (pl *Plant) Verdict() Verdict {
	pl.judged = true
	w := pl.Witness
	v := Verdict{Runs: 1, Calls: pl.Calls(), Ends: map[backends.State]int{}, Faults: pl.Faults.Injected(backendtest.AnyVerb)}
	for _, p := range pl.all() {
		v.Faults += p.Faults.Injected(backendtest.AnyVerb)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(w.asked)) {
		v.Jobs++
		w.judge(w.asked[n], &v)
	}
	w.judgeListing(pl.Operator())
	v.Findings, v.Tally = w.found, w.Tally
	return v
}

// judge looks at one job.
func (w *Witness) judge(k *asked, v *Verdict) {
	r, err := w.store.Lookup(ctxNow, k.ref, 0)
	switch {
	case errors.Is(err, backends.ErrNotFound):
		if k.acked {
			w.bad(verdict.Lost, "job %d was acknowledged and has no record", k.args.N)
		}
		return
	case err != nil:
		w.bad(verdict.Lost, "job %d: %v", k.args.N, err)
		return
	case !r.State.Ended() || r.Owes != 0:
		w.bad(verdict.Stuck, "job %d (%s) is %v, token %d, attempt %d, crashes %d, due %v, owes %v", k.args.N, k.args.Say, r.State, r.Token, r.Attempt, r.Crashes, r.Due, r.Owes)
	case !k.acked && r.Token > 0:
		v.Recovered++
	}
	v.Ends[r.State]++
	d := w.life(k.ref, r.Generation)
	d.end, d.dropped = r.State, r.Dropped
	if r.State == backends.Succeeded {
		w.judgeSuccess(k, r, d)
	}
	for g := r.Generation; ; g-- {
		d := w.lives[life{k.ref, g}]
		if d == nil {
			return
		}
		w.judgeLife(k, g, d, v)
	}
}

// judgeSuccess holds a record against what took effect.
func (w *Witness) judgeSuccess(k *asked, r *backends.Record, d *deeds) {
	if len(d.effects) == 0 {
		w.bad(verdict.Wrong, "job %d succeeded, and no attempt was told so", k.args.N)
	}
	for token := range d.effects {
		w.judgeResult(k.ref, r.Generation, token, r.Result, r.Stored)
	}
}

// judgeLife sees that what an end owed has left.
func (w *Witness) judgeLife(k *asked, generation int64, d *deeds, v *Verdict) {
	switch {
	case !d.end.Ended():
		return
	case d.end != backends.Succeeded && (len(d.effects) > 0 || d.wroteBacks > 0):
		w.bad(verdict.Wrong, "job %d ended %v, and %d successes took effect, %d were written back", k.args.N, d.end, len(d.effects), d.wroteBacks)
	}
	if d.dropped != 0 {
		v.Dropped++
	}
	if d.heard == 0 && d.dropped&backends.Event == 0 {
		w.bad(verdict.Unannounced, "job %d ended %v in generation %d, and no event left", k.args.N, d.end, generation)
	}
	if d.end == backends.Succeeded && d.wroteBacks == 0 && d.dropped&backends.WriteBack == 0 {
		w.bad(verdict.Unannounced, "job %d succeeded, and was never written back", k.args.N)
	}
}

// judgeListing sees that the store holds nothing that nobody asked for.
func (w *Witness) judgeListing(op backends.Operator) {
	req := backends.ListRequest{Queue: Name, AnyTenant: true}
	for {
		page, err := op.List(ctxNow, req)
		if err != nil {
			w.bad(verdict.Unexpected, "List: %v", err)
			return
		}
		for _, r := range page.Records {
			if w.jobs[r.Job.Ref] == nil {
				w.bad(verdict.Unexpected, "%s is in the store", r.Job.ID)
			}
		}
		if req.Cursor = page.Cursor; req.Cursor == "" {
			return
		}
	}
}
