package plant

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest/verdict"
	"github.com/leat-go/leat/queue"
)

// Witness writes down what was asked, run, computed, written and heard, and what
// of it must not be. It is safe for concurrent use.
type Witness struct {
	store  backends.Backend
	bucket *Bucket

	mu    sync.Mutex
	asked map[int]*asked
	jobs  map[queue.Ref]*asked
	lives map[life]*deeds
	found verdict.Findings
	Tally
}

// Tally counts what a row may want to know of.
type Tally struct {
	Handled, Events, WriteBacks int

	Lapses int // leases that were taken over, or given out again

	// Calls with a stale token, all of which must have been refused.
	StaleSettles, StaleExtends, StaleProgress int
}

// asked is one job that somebody wanted.
type asked struct {
	args  Args
	ref   queue.Ref // known when it is sent
	sent  bool
	acked bool
	token uint64 // the newest that was given out
	first int64  // the generation it was born with; 0 = not claimed yet
}

// life is one generation of a job.
type life struct {
	queue.Ref
	generation int64
}

// deeds are what came of it.
type deeds struct {
	Runs       []Attempt
	computed   map[uint64]Result
	effects    map[uint64]bool
	end        backends.State // as a record showed it
	dropped    backends.Debt
	heard      int
	wroteBacks int
}

// Attempt is one run of a handler.
type Attempt struct {
	Process string
	Token   uint64
	Number  int
	At      time.Time
}

func newWitness(store backends.Backend, bucket *Bucket) *Witness {
	return &Witness{
		store: store, bucket: bucket, asked: map[int]*asked{}, jobs: map[queue.Ref]*asked{}, lives: map[life]*deeds{},
	}
}

func (w *Witness) bad(word verdict.Word, format string, args ...any) {
	w.found.Note(word, format, args...)
}

// Bad notes what a row has found itself.
func (w *Witness) Bad(word verdict.Word, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad(word, format, args...)
}

func (w *Witness) life(ref queue.Ref, generation int64) *deeds {
	l := life{ref, generation}
	d := w.lives[l]
	if d == nil {
		d = &deeds{computed: map[uint64]Result{}, effects: map[uint64]bool{}}
		w.lives[l] = d
	}
	return d
}

// expect notes that a job will be asked for.
func (w *Witness) expect(a Args) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asked[a.N] == nil {
		w.asked[a.N] = &asked{args: a}
	}
}

// answered notes what the producer was told.
func (w *Witness) answered(a Args, t queue.Ticket, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.asked[a.N]
	if err == nil {
		k.acked = true
	}
	if err == nil && t.Ref != k.ref {
		w.bad(verdict.Unexpected, "job %d was acknowledged as %v, and sent as %v", a.N, t.Ref, k.ref)
	}
}

// sent notes a job on its way into the store.
func (w *Witness) sent(j *backends.Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.asked[Number(j)]
	switch {
	case k == nil:
		w.bad(verdict.Unexpected, "%s is enqueued, and nobody asked for it", j.ID)
		return
	case k.sent && k.ref != j.Ref:
		w.bad(verdict.Unexpected, "job %d is enqueued as %v, and before as %v", k.args.N, j.Ref, k.ref)
	}
	k.sent, k.ref = true, j.Ref
	w.jobs[j.Ref] = k
}

// claimed holds a lease against what was asked for.
func (w *Witness) claimed(l *backends.Lease) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.jobs[l.Job.Ref]
	if k == nil {
		w.bad(verdict.Unexpected, "a lease of %s, which nobody asked for", l.Job.ID)
		return
	}
	switch {
	case l.Token <= k.token:
		w.bad(verdict.Illegal, "job %d: token %d after %d", k.args.N, l.Token, k.token)
	case l.Outcome == nil && time.Now().Before(l.Created.Add(l.Job.Delay)):
		w.bad(verdict.Illegal, "job %d is claimed before its delay is over", k.args.N)
	}
	k.token = max(k.token, l.Token)
	if l.Crashes > 0 {
		w.Lapses++
	}
	w.life(l.Job.Ref, l.Generation)
	if k.first == 0 {
		k.first = l.Generation
	}
}

// isStale reports whether a newer claim was given out, for sure.
func (w *Witness) isStale(l *backends.Lease) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.jobs[l.Job.Ref]
	return k != nil && l.Token < k.token
}

// refusal holds the answer to a stale token against R5.
func (w *Witness) refusal(verb string, l *backends.Lease, answer error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if verb == "settle" {
		w.StaleSettles++
	} else {
		w.StaleExtends++
	}
	if !isLost(answer) {
		w.bad(verdict.Illegal, "job %d: %s with token %d, which is stale, was answered: %v", w.jobs[l.Job.Ref].args.N, verb, l.Token, answer)
	}
}

func (w *Witness) refusedProgress() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.StaleProgress++
}

// settled notes an effect that the store took.
func (w *Witness) settled(s backends.Settlement, answer error) {
	if s.Verb != backends.Commit || s.Outcome != backends.Succeeded || answer != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.life(s.Lease.Job.Ref, s.Lease.Generation)
	d.effects[s.Lease.Token] = true
	if len(d.effects) > 1 {
		w.bad(verdict.Duplicated, "%s: generation %d took effect by %d tokens", s.Lease.Job.ID, s.Lease.Generation, len(d.effects))
	}
	w.judgeResult(s.Lease.Job.Ref, s.Lease.Generation, s.Lease.Token, s.Result, s.Stored)
}

// judgeResult looks for the attempt that computed it.
func (w *Witness) judgeResult(ref queue.Ref, generation int64, token uint64, encoded []byte, stored string) {
	if stored != "" {
		encoded = w.bucket.Object(stored)
	}
	var got Result
	if err := json.Unmarshal(encoded, &got); err != nil {
		w.bad(verdict.Wrong, "%s: the result %q: %v", ref.ID, encoded, err)
		return
	}
	if want, ok := w.life(ref, generation).computed[token]; !ok || want != got {
		w.bad(verdict.Wrong, "%s: token %d took effect with %+v; it computed %+v (%v)", ref.ID, token, got, want, ok)
	}
}

// began notes a run of a handler.
func (w *Witness) began(p *Process, j *Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Handled++
	d := w.life(j.Ref(), j.Generation)
	if k := w.asked[j.Args.N]; k == nil || k.ref != j.Ref() || k.args != j.Args {
		w.bad(verdict.Wrong, "%s has the args %+v", j.ID, j.Args)
	}
	for token := range d.effects {
		if j.Token > token {
			w.bad(verdict.Duplicated, "job %d runs again (token %d) after its success (token %d)", j.Args.N, j.Token, token)
		}
	}
	d.Runs = append(d.Runs, Attempt{p.Name, j.Token, j.Attempt, time.Now()})
}

func (w *Witness) computed(j *Job, r Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.life(j.Ref(), j.Generation).computed[j.Token] = r
}

// heard notes an event that was delivered, which must be true already.
func (w *Witness) heard(e queue.Event) {
	r, err := w.store.Lookup(ctxNow, e.Ref, 0)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Events++
	w.life(e.Ref, e.Generation).heard++
	switch {
	case err != nil:
		w.bad(verdict.Unexpected, "an event of %s: %v", e.Ref.ID, err)
	case r.Generation > e.Generation: // redriven since
	case r.Generation != e.Generation || r.State != e.State || r.Order != e.Order || r.Reason != e.Reason:
		w.bad(verdict.Wrong, "the event %+v; the record says %v, %q, generation %d", e, r.State, r.Reason, r.Generation)
	case e.SupersededBy != "" && e.SupersededBy != r.SupersededBy:
		w.bad(verdict.Wrong, "%s: the event says superseded by %q, the record by %q", e.Ref.ID, e.SupersededBy, r.SupersededBy)
	}
}

// wroteBack notes a write-back that was done, of what must have been written.
func (w *Witness) wroteBack(j *Job, result Result) {
	r, err := w.store.Lookup(ctxNow, j.Ref(), 0)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.WriteBacks++
	d := w.life(j.Ref(), j.Generation)
	d.wroteBacks++
	if err != nil || r.State != backends.Succeeded || r.Generation != j.Generation {
		w.bad(verdict.Wrong, "job %d is written back, and its record says %+v, %v", j.Args.N, r, err)
		return
	}
	if !d.effects[result.Token] || d.computed[result.Token] != result {
		w.bad(verdict.Wrong, "job %d: %+v is written back, and did not take effect", j.Args.N, result)
	}
}

// ended notes how a life ended, from a record that shows it.
func (w *Witness) ended(r *backends.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.life(r.Job.Ref, r.Generation)
	d.end, d.dropped = r.State, r.Dropped
}

// Runs are those of a job, in all its lives.
func (w *Witness) Runs(n int) (runs []Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.asked[n]
	for g := k.first; k.first != 0 && w.lives[life{k.ref, g}] != nil; g++ {
		runs = append(runs, w.lives[life{k.ref, g}].Runs...)
	}
	return runs
}

// Ref is what the job was enqueued as; zero = it was not.
func (w *Witness) Ref(n int) queue.Ref {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := w.asked[n]; k != nil {
		return k.ref
	}
	return queue.Ref{}
}

// Counted is the tally so far.
func (w *Witness) Counted() Tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Tally
}
