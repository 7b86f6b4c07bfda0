package simulate

import (
	"bytes"
	"errors"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest/verdict"
)

// witness writes down what was asked, seen, said and heard, and what of it must
// not be.
type witness struct {
	order []backends.Ref // all that were asked for
	asked map[backends.Ref]*asked
	lives map[life]*deeds
	found verdict.Findings
}

// asked is one job that somebody wanted.
type asked struct {
	job   backends.Job
	acked bool
	seen  *backends.Record // newest
	token uint64           // the newest given to a worker
}

// life is one generation of a job.
type life struct {
	backends.Ref
	generation int64
}

// deeds are what came of it.
type deeds struct {
	effects   map[uint64]bool // tokens whose success was acknowledged
	results   [][]byte        // that workers tried to commit
	end       backends.State
	owed      backends.Debt
	dropped   backends.Debt
	delivered backends.Debt
	runs      int
}

func newWitness() witness {
	return witness{asked: map[backends.Ref]*asked{}, lives: map[life]*deeds{}}
}

func (w *witness) bad(what verdict.Word, format string, args ...any) {
	w.found.Note(what, format, args...)
}

func (w *world) must(err error) {
	if err != nil {
		w.bad(verdict.Illegal, "a call without faults: %v", err)
	}
}

// expect notes that a job was asked for.
func (w *witness) expect(j backends.Job) *asked {
	a := w.asked[j.Ref]
	if a == nil {
		a = &asked{job: j}
		w.asked[j.Ref] = a
		w.order = append(w.order, j.Ref)
	}
	return a
}

func (w *witness) life(ref backends.Ref, generation int64) *deeds {
	l := life{ref, generation}
	d := w.lives[l]
	if d == nil {
		d = &deeds{effects: map[uint64]bool{}}
		w.lives[l] = d
	}
	return d
}

// claimed holds a lease against what was asked for.
func (w *world) claimed(l *backends.Lease) {
	a := w.asked[l.Job.Ref]
	if a == nil {
		w.bad(verdict.Unexpected, "a lease of %s, which nobody asked for", l.Job.ID)
		return
	}
	d := w.life(l.Job.Ref, l.Generation)
	switch {
	case !w.hasArgs(l, a.job.Payload) || l.Job.Kind != a.job.Kind:
		w.bad(verdict.Wrong, "%s has the args %q of kind %s", l.Job.ID, l.Job.Payload, l.Job.Kind)
	case l.Token <= a.token:
		w.bad(verdict.Illegal, "%s: token %d after %d", l.Job.ID, l.Token, a.token)
	case l.Outcome == nil && time.Now().Before(l.Created.Add(a.job.Delay)):
		w.bad(verdict.Illegal, "%s runs before its delay is over", l.Job.ID)
	case l.Outcome == nil && len(d.effects) > 0:
		w.bad(verdict.Duplicated, "%s runs again after its success", l.Job.ID)
	}
	a.token = max(a.token, l.Token)
	if l.Outcome == nil {
		d.runs++
	}
}

// hasArgs compares payloads. An end that is to be announced needs none, and some
// stores have none then.
func (w *world) hasArgs(l *backends.Lease, want []byte) bool {
	unneeded := l.Outcome != nil && !w.features.KeepsPayload && len(l.Job.Payload) == 0
	return unneeded || bytes.Equal(l.Job.Payload, want)
}

// committing notes what a worker is about to say.
func (w *world) committing(s backends.Settlement) {
	if s.Verb == backends.Commit && s.Outcome == backends.Succeeded {
		d := w.life(s.Lease.Job.Ref, s.Lease.Generation)
		d.results = append(d.results, s.Result)
	}
}

// committed notes an effect that the store acknowledged.
func (w *world) committed(s backends.Settlement) {
	if s.Outcome != backends.Succeeded {
		return
	}
	d := w.life(s.Lease.Job.Ref, s.Lease.Generation)
	d.effects[s.Lease.Token] = true
	if len(d.effects) > 1 {
		w.bad(verdict.Duplicated, "%s: generation %d took effect by %d tokens", s.Lease.Job.ID, s.Lease.Generation, len(d.effects))
	}
	if r := w.asked[s.Lease.Job.Ref].seen; r == nil || !bytes.Equal(r.Result, s.Result) {
		w.bad(verdict.Wrong, "%s: %q was acknowledged, the record says %+v", s.Lease.Job.ID, s.Result, r)
	}
}

// delivered notes an event, which must tell the truth.
func (w *world) delivered(l *backends.Lease, end backends.State, owes backends.Debt) {
	d := w.life(l.Job.Ref, l.Generation)
	d.delivered |= owes
	if d.end != end {
		w.bad(verdict.Wrong, "%s: the event of generation %d says %v, the record said %v", l.Job.ID, l.Generation, end, d.end)
	}
}

// at are the refs that an enqueue of j may change.
func (w *world) at(j backends.Job) []backends.Ref { return w.beside(&j) }

// beside are j, its collation job, and the jobs of its place.
func (w *world) beside(j *backends.Job) []backends.Ref {
	refs := []backends.Ref{j.Ref}
	if j.Batch != nil && !j.Batch.Member.IsZero() {
		refs = append(refs, j.Batch.Member)
	}
	if j.Supersede == "" {
		return refs
	}
	for _, ref := range w.order[max(0, len(w.order)-200):] {
		o := w.asked[ref]
		if o.job.Supersede == j.Supersede && ref.Tenant == j.Tenant && (o.seen == nil || !o.seen.State.Ended()) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// lookAtSome looks at jobs that live, in turn: a claim may have ended any.
func (w *world) lookAtSome() {
	for range min(4, len(w.order)) {
		w.places++
		w.look(w.order[w.places%len(w.order)])
	}
}

// look compares records with what was seen of them before.
func (w *world) look(refs ...backends.Ref) {
	for _, ref := range refs {
		w.calls++
		r, err := w.inner.Lookup(w.ctx, ref, 0)
		a := w.asked[ref]
		switch {
		case errors.Is(err, backends.ErrNotFound):
			if a.seen != nil || a.acked {
				w.bad(verdict.Lost, "%s has no record", ref.ID)
			}
		case err != nil:
			w.must(err)
		default:
			w.saw(a, r)
		}
	}
}

func (w *world) saw(a *asked, r *backends.Record) {
	before := backends.Life{}
	if a.seen != nil {
		before = lifeOf(a.seen)
		if r.Version < a.seen.Version {
			w.bad(verdict.Illegal, "%s: version %d after %d", r.Job.ID, r.Version, a.seen.Version)
		}
	}
	steps := 5
	if r.Token > before.Token { // each claim that nobody heard of, and its end
		steps += 2 * int(min(10, r.Token-before.Token))
	}
	if after := lifeOf(r); !reachable(before, after, steps) {
		w.bad(verdict.Illegal, "%s: from %+v to %+v", r.Job.ID, before, after)
	}
	a.seen = r
	d := w.life(r.Job.Ref, r.Generation)
	if r.State.Ended() {
		d.end = r.State
		d.owed |= r.Owes | w.policy.Owes
		d.dropped |= r.Dropped
	}
	if r.State == backends.Succeeded && !contains(d.results, r.Result) {
		w.bad(verdict.Wrong, "%s: the result %q was never computed", r.Job.ID, r.Result)
	}
}

func contains(all [][]byte, b []byte) bool {
	for _, x := range all {
		if bytes.Equal(x, b) {
			return true
		}
	}
	return false
}

// lifeOf is what a record shows of a Life.
func lifeOf(r *backends.Record) backends.Life {
	l := backends.Life{State: r.State, Token: r.Token, Attempt: int32(r.Attempt), Generation: r.Generation}
	if !r.Due.IsZero() {
		l.Due = 1
	}
	return l
}

// reachable reports whether a few legal steps lead from one to the other: a call
// that is repeated, or a claim that ends a job and then announces it, makes more
// than one between two looks.
func reachable(from, to backends.Life, steps int) bool {
	if from == to || backends.Legal(from, to) == nil {
		return true
	}
	if steps == 1 || from.Token > to.Token || from.Generation > to.Generation {
		return false
	}
	for _, mid := range successors(from, to) {
		if backends.Legal(from, mid) == nil && reachable(mid, to, steps-1) {
			return true
		}
	}
	return false
}

// successors are the Lives one step ahead, on the way to another.
func successors(from, to backends.Life) []backends.Life {
	if from.State == 0 {
		return []backends.Life{{State: backends.Waiting, Due: 1, Generation: to.Generation}}
	}
	run, wait, owing, closed, again := from, from, from, from, from
	run.State, run.Due, run.Token, run.Attempt = backends.Running, 1, from.Token+1, from.Attempt+1
	wait.State, wait.Due = backends.Waiting, 1
	back := wait
	back.Attempt--
	again.Due, again.Token = 1, from.Token+1
	dead := closed
	all := []backends.Life{run, wait, back, again}
	for _, end := range []backends.State{to.State, backends.Dead, backends.Cancelled} {
		if !end.Ended() {
			continue
		}
		if !from.State.Ended() {
			owing.State, dead.State = end, end
		}
		owing.Due, dead.Due = 1, 0
		all = append(all, owing, dead)
	}
	closed.Due = 0
	redriven := backends.Life{State: backends.Waiting, Due: 1, Token: from.Token, Generation: from.Generation + 1}
	return append(all, closed, redriven)
}
