package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest/spec"
)

func (m *machine) enqueue(t *rapid.T) {
	req := backends.EnqueueRequest{Queue: queues.Draw(t, "queue")}
	req.Policy = m.policy(t, req.Queue)
	for range rapid.IntRange(1, 3).Draw(t, "jobs") {
		j := m.job(t)
		m.queues[j.Ref] = req.Queue
		req.Jobs = append(req.Jobs, j)
	}
	m.ask(req)
}

// enqueueAgain repeats a job that was asked for, or asks for another by its id.
func (m *machine) enqueueAgain(t *rapid.T) {
	j := m.someJob(t)
	j.Fingerprint = rapid.SampledFrom([]uint64{j.Fingerprint, j.Fingerprint, 1}).Draw(t, "fingerprint")
	m.ask(backends.EnqueueRequest{Queue: m.queues[j.Ref], Jobs: []backends.Job{j}})
}

// seal enqueues a collation job's id again, to say that its members exist.
func (m *machine) seal(t *rapid.T) {
	if len(m.held) == 0 {
		t.Skip("no collation job yet")
	}
	ref := rapid.SampledFrom(m.held).Draw(t, "collation job")
	for _, j := range m.jobs {
		if j.Ref == ref && m.s.Version(ref) > 0 {
			b := *j.Batch
			b.Sealed = true
			j.Batch = &b
			m.ask(backends.EnqueueRequest{Queue: m.queues[ref], Jobs: []backends.Job{j}})
		}
	}
}

func (m *machine) ask(req backends.EnqueueRequest) {
	out, err := m.b.Enqueue(m.Context(), req)
	m.must(err)
	if req.Policy != nil {
		m.Logf("Policy of %s: %+v", req.Queue, *req.Policy)
	}
	for i, j := range req.Jobs {
		m.Logf("Enqueue %s: %s → %s", req.Queue, describe(j), outcome(out[i]))
	}
	m.must(m.s.Enqueued(time.Now(), req, out))
}

func (m *machine) claim(t *rapid.T) {
	req := backends.ClaimRequest{
		Queue: queues.Draw(t, "queue"),
		Max:   rapid.IntRange(1, 4).Draw(t, "max"),
		Lease: terms.Draw(t, "lease"),
	}
	req.Policy = m.policy(t, req.Queue)
	req.CanAnnounce = debts.Draw(t, "can announce")
	req.Kinds = rapid.SampledFrom([][]string{nil, {}, {"optimise"}, {"report", "optimise"}}).Draw(t, "kinds")
	if rapid.IntRange(0, 9).Draw(t, "resources") == 9 {
		m.caps++
		req.Resources = []backends.Resource{{Name: "database", Version: m.caps, Cap: m.cap(t)}}
	}
	m.claimFor(blink.Draw(t, "wait"), req)
}

// claimFor claims, waiting at most so long. In a bubble a nanosecond is enough to
// try: it passes only when the Backend has nothing left to do.
func (m *machine) claimFor(wait time.Duration, req backends.ClaimRequest) []*backends.Lease {
	start := time.Now()
	ctx, cancel := context.WithTimeout(m.Context(), wait)
	defer cancel()
	leases, err := m.b.Claim(ctx, req)
	now := time.Now()
	if req.Policy != nil {
		m.Logf("Policy of %s: %+v", req.Queue, *req.Policy)
	}
	m.Logf("Claim %s: max %d, lease %v, kinds %v, can announce %v, resources %v, wait %v → %s, %v",
		req.Queue, req.Max, req.Lease, req.Kinds, req.CanAnnounce, req.Resources, now.Sub(start), list(leases), err)
	if (len(leases) == 0) == (err == nil) || err != nil && !errors.Is(err, context.DeadlineExceeded) {
		m.Fatalf("Claim: %d leases and error %v", len(leases), err)
	}
	m.must(m.s.Waited(start, now, req))
	mine := map[backends.Ref]bool{}
	for _, l := range leases {
		mine[l.Job.Ref] = true
	}
	m.must(m.s.Claimed(now, req, leases, m.lookUp(m.ripe(mine))))
	m.leases = append(m.leases, leases...)
	return leases
}

func (m *machine) extend(t *rapid.T) {
	beat := backends.Beat{Lease: m.lease(t)}
	if rapid.Bool().Draw(t, "with progress") && m.s.Owes(beat.Lease.Job.Ref) == 0 { // ended jobs make none
		beat.Progress = &backends.Progress{Percent: percent.Draw(t, "percent"), Text: "on its way"}
	}
	d := terms.Draw(t, "for")
	errs, err := m.b.Extend(m.Context(), d, []backends.Beat{beat})
	m.must(err)
	m.Logf("Extend %s by %v, progress %v → %v", lease(beat.Lease), d, beat.Progress, errs)
	m.must(m.s.Extended(time.Now(), d, []backends.Beat{beat}, errs))
}

func (m *machine) settle(t *rapid.T) {
	ss := []backends.Settlement{m.settlement(t)}
	if rapid.IntRange(0, 4).Draw(t, "two at once") == 4 {
		ss = append(ss, m.settlement(t))
	}
	m.say(ss)
}

// repeat says once more what was said before, as after a lost reply.
func (m *machine) repeat(t *rapid.T) {
	if len(m.said) == 0 {
		t.Skip("nothing was said yet")
	}
	back := rapid.IntRange(0, min(len(m.said), 5)-1).Draw(t, "settlement, from the newest")
	m.say([]backends.Settlement{m.said[len(m.said)-1-back]})
}

func (m *machine) say(ss []backends.Settlement) {
	errs, err := m.b.Settle(m.Context(), ss)
	m.must(err)
	for i, s := range ss {
		var e error
		if errs != nil {
			e = errs[i]
		}
		m.Logf("Settle %s: %v %v after %v, owes %v → %v", lease(s.Lease), s.Verb, s.Outcome, s.Delay, s.Owes, e)
	}
	m.must(m.s.Settled(time.Now(), ss, errs))
	m.said = append(m.said, ss...)
}

// watch waits for the next version of a record.
func (m *machine) watch(t *rapid.T) {
	ref := m.someJob(t).Ref
	since := m.s.Version(ref)
	wait := blink.Draw(t, "wait")
	start := time.Now()
	ctx, cancel := context.WithTimeout(m.Context(), wait)
	defer cancel()
	r, err := m.b.Lookup(ctx, ref, since)
	m.Logf("Lookup %s since %d, wait %v → %v, %v", ref.ID, since, time.Since(start), r != nil, err)
	if !errors.Is(err, context.DeadlineExceeded) {
		m.must(m.s.Looked(time.Now(), spec.Look{Ref: ref, Record: r, Err: err}))
	} else {
		m.must(m.s.Watched(start, time.Now(), ref))
	}
}

func (m *machine) lookAll(*rapid.T) { m.look(m.s.Refs()...) }

// pass lets time go by.
func (m *machine) pass(t *rapid.T) {
	d := spans.Draw(t, "span")
	m.Logf("%v pass", d)
	time.Sleep(d)
}

func (m *machine) cancel(t *rapid.T) {
	refs := []backends.Ref{m.someJob(t).Ref}
	errs, err := m.op.Cancel(m.Context(), refs)
	m.must(err)
	m.Logf("Cancel %s → %v", refs[0].ID, errs)
	m.must(m.s.Cancelled(time.Now(), refs, errs))
}

func (m *machine) redrive(t *rapid.T) {
	ref := m.someJob(t).Ref
	r := backends.Redrive{Ref: ref}
	if seen := m.seen[ref]; seen != nil {
		r.Generation = seen.Generation
	}
	if rapid.IntRange(0, 4).Draw(t, "another generation") == 4 {
		r.Generation--
	}
	errs, err := m.op.Redrive(m.Context(), []backends.Redrive{r})
	m.must(err)
	m.Logf("Redrive %s, generation %d → %v", ref.ID, r.Generation, errs)
	m.must(m.s.Redriven(time.Now(), []backends.Redrive{r}, errs))
}

func (m *machine) purge(t *rapid.T) {
	req := backends.PurgeRequest{
		Queue:     queues.Draw(t, "queue"),
		State:     rapid.SampledFrom([]backends.State{backends.Waiting, backends.Succeeded, backends.Dead, backends.Cancelled}).Draw(t, "state"),
		Tenant:    tenants.Draw(t, "tenant"),
		AnyTenant: rapid.Bool().Draw(t, "any tenant"),
		Limit:     rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "limit"),
	}
	m.ripen(nil)
	candidates := m.s.Purgeable(time.Now(), req)
	m.look(candidates...)
	n, err := m.op.Purge(m.Context(), req)
	m.must(err)
	var gone []backends.Ref
	purged := map[backends.Ref]bool{}
	for _, ref := range candidates {
		if _, err := m.b.Lookup(m.Context(), ref, 0); errors.Is(err, backends.ErrNotFound) {
			gone, purged[ref] = append(gone, ref), true
		}
	}
	others := m.lookUp(m.ripe(purged))
	m.Logf("Purge %+v → %d; of %v, %v are gone", req, n, candidates, gone)
	m.must(m.s.Purged(time.Now(), req, n, gone, others))
}

func (m *machine) pause(t *rapid.T) {
	m.setPause(queues.Draw(t, "queue"), rapid.Bool().Draw(t, "paused"))
}

func (m *machine) setPause(queue string, paused bool) {
	m.must(m.op.Pause(m.Context(), queue, paused))
	m.Logf("Pause %s: %v", queue, paused)
	m.s.Paused(queue, paused)
}

func (m *machine) stats(t *rapid.T) {
	queue := queues.Draw(t, "queue")
	m.ripen(nil)
	st, err := m.op.Stats(m.Context(), queue)
	m.must(err)
	m.Logf("Stats %s → %+v", queue, st)
	m.must(m.s.Counted(time.Now(), queue, st))
}

func (m *machine) list(t *rapid.T) {
	req := backends.ListRequest{
		Queue:     queues.Draw(t, "queue"),
		State:     backends.State(rapid.IntRange(0, int(backends.Expired)).Draw(t, "state")),
		Tenant:    tenants.Draw(t, "tenant"),
		AnyTenant: rapid.Bool().Draw(t, "any tenant"),
		Limit:     rapid.IntRange(0, 3).Draw(t, "limit"),
	}
	if len(m.held) > 0 && rapid.Bool().Draw(t, "of one batch") {
		req.Batch = rapid.SampledFrom(m.held).Draw(t, "batch")
	}
	m.ripen(nil)
	var all []*backends.Record
	for range len(m.jobs) + 1 {
		p, err := m.op.List(m.Context(), req)
		m.must(err)
		if req.Limit > 0 && len(p.Records) > req.Limit {
			m.Fatalf("List of %d gave %d", req.Limit, len(p.Records))
		}
		all = append(all, p.Records...)
		if req.Cursor = p.Cursor; p.Cursor == "" {
			break
		}
	}
	m.Logf("List %+v → %d", req, len(all))
	m.must(m.s.Listed(time.Now(), req, all))
}

func describe(j backends.Job) string {
	s := fmt.Sprintf("%s/%s %s", j.Tenant, j.ID, j.Kind)
	add := func(is bool, format string, args ...any) {
		if is {
			s += fmt.Sprintf(format, args...)
		}
	}
	add(j.Fingerprint != 0, " fingerprint %d", j.Fingerprint)
	add(!j.Due.IsZero(), " due %v", j.Due)
	add(j.Delay != 0, " delay %v", j.Delay)
	add(j.Expiry != 0, " expiry %v", j.Expiry)
	add(j.Priority != 0, " priority %d", j.Priority)
	add(j.Resource != "", " resource %s", j.Resource)
	add(j.Supersede != "", " supersede %s", j.Supersede)
	add(j.Trailing, " trailing")
	if j.Batch != nil {
		add(true, " batch %+v", *j.Batch)
	}
	return s
}

func outcome(e backends.Enqueued) string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Duplicate:
		return "duplicate"
	}
	return fmt.Sprintf("order %d", e.Order)
}

func lease(l *backends.Lease) string {
	if l.Outcome != nil {
		return fmt.Sprintf("%s#%d(%v)", l.Job.ID, l.Token, l.Outcome.Owes)
	}
	return fmt.Sprintf("%s#%d", l.Job.ID, l.Token)
}

func list(leases []*backends.Lease) string {
	s := "["
	for _, l := range leases {
		s += " " + lease(l)
	}
	return s + " ]"
}
