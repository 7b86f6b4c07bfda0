package queue_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

type email struct{ To string }

// Kinds share a queue: each has its own args, and all its limits.
func TestAViewIsAnotherKindOfTheSameQueue(t *testing.T) {
	s := &spy{Backend: store()}
	q := newWhatIf(s)
	q.Backlog, q.Tenants = 2, map[string]queue.Tenancy{"zeta": {Weight: 3}}
	emails := queue.View[email, queue.None](q, "email")
	if emails.Name() != "whatif" || emails.Kind() != "email" || q.Kind() != "" {
		t.Errorf("%s/%s beside %q", emails.Name(), emails.Kind(), q.Kind())
	}
	enqueue(t, q, ask)
	enqueue(t, emails, email{"zeta@example.org"})
	for i, kind := range []string{"", "email"} {
		if got := s.calls[i]; got.Queue != "whatif" || got.Jobs[0].Kind != kind {
			t.Errorf("job %d is %q in %s", i, got.Jobs[0].Kind, got.Queue)
		}
	}
	if diff := cmp.Diff(s.calls[0].Policy, s.calls[1].Policy); diff != "" {
		t.Errorf("another policy: %s", diff)
	}
	matches(t, "the limit of both", second(emails.Enqueue(t.Context(), email{})), queue.ErrBacklogFull)

	job, _ := claim(t, emails)
	if job.Args != (email{"zeta@example.org"}) || job.Kind != "email" {
		t.Errorf("the handler of emails gets %+v", job)
	}
	if job, _ := claim(t, q); job.Args != ask || job.Kind != "" {
		t.Errorf("the other handler gets %+v", job)
	}
}

// A newer schema is another kind to a store. A program lists the versions that it
// can decode, its own and all before.
func TestRule_R10_ASchemaIsPartOfTheStoredKind(t *testing.T) {
	for _, c := range []struct {
		kind   string
		schema int
		kinds  []string
	}{
		{"", 0, []string{""}},
		{"", 1, []string{"", "@1"}},
		{"plan", 3, []string{"plan", "plan@1", "plan@2", "plan@3"}},
		{"πλάνο 7", 1, []string{"πλάνο 7", "πλάνο 7@1"}},
	} {
		s := &spy{Backend: store()}
		q := queue.View[settings, plan](newWhatIf(s), c.kind)
		q.Schema = c.schema
		enqueue(t, q, ask)
		in := inside(t, q)
		stored := c.kinds[len(c.kinds)-1]
		if got := s.job(t).Kind; got != stored || in.Kind != stored || !cmp.Equal(in.Kinds, c.kinds) {
			t.Errorf("%q, version %d: stored as %q, %q, of %q", c.kind, c.schema, got, in.Kind, in.Kinds)
		}
		if job, _ := claim(t, q); job.Kind != c.kind || job.Schema != c.schema {
			t.Errorf("the handler gets %q, version %d", job.Kind, job.Schema)
		}
	}
}

// What makes no sense comes out of every call, typed, once wrapped, and nothing is
// written.
func TestFieldsThatMakeNoSenseComeOutOfEveryCall(t *testing.T) {
	for name, c := range map[string]struct {
		field string
		make  func(backends.Backend) *whatIf
	}{
		"no name":            {"Queue", func(b backends.Backend) *whatIf { return queue.New[settings, plan](b, "") }},
		"name with NUL":      {"Queue", func(b backends.Backend) *whatIf { return queue.New[settings, plan](b, "a\x00") }},
		"name too long":      {"Queue", func(b backends.Backend) *whatIf { return queue.New[settings, plan](b, strings.Repeat("x", 257)) }},
		"no backend":         {"Queue", func(backends.Backend) *whatIf { return newWhatIf(nil) }},
		"nobody made it":     {"Queue", func(backends.Backend) *whatIf { return new(whatIf) }},
		"a view of that":     {"Queue", func(backends.Backend) *whatIf { return queue.View[settings, plan](new(whatIf), "x") }},
		"kind with @":        {"Kind", kindOf("plan@3")},
		"kind too long":      {"Kind", kindOf(strings.Repeat("x", 241))},
		"kind not UTF-8":     {"Kind", kindOf("\xff")},
		"kind with NUL":      {"Kind", kindOf("a\x00")},
		"negative schema":    {"Queue.Schema", with(func(q *whatIf) { q.Schema = -1 })},
		"endless schema":     {"Queue.Schema", with(func(q *whatIf) { q.Schema = 1000 })},
		"negative inline":    {"Queue.Inline", with(func(q *whatIf) { q.Inline = -1 })},
		"negative blob life": {"Queue.BlobLife", with(func(q *whatIf) { q.BlobLife = -1 })},
		"negative backlog":   {"Queue.Backlog", with(func(q *whatIf) { q.Backlog = -1 })},
		"negative attempts":  {"Queue.MaxAttempts", with(func(q *whatIf) { q.MaxAttempts = -1 })},
		"tenant with NUL": {"Queue.Tenants", with(func(q *whatIf) {
			q.Tenants = map[string]queue.Tenancy{"\x00": {}}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			s, bucket := &spy{Backend: store()}, &mapBucket{}
			q := c.make(s)
			q.Bucket = bucket
			for verb, err := range everyCall(t, q) {
				invalid(t, verb, err, c.field)
				if want := "queue: " + verb + ": invalid "; !strings.HasPrefix(err.Error(), want) {
					t.Errorf("%v, want %s…", err, want)
				}
			}
			if s.count() != 0 || len(bucket.keys()) != 0 || q.Close() != nil {
				t.Errorf("%d calls, objects %v", s.count(), bucket.keys())
			}
		})
	}
}

func kindOf(kind string) func(backends.Backend) *whatIf {
	return func(b backends.Backend) *whatIf { return queue.View[settings, plan](newWhatIf(b), kind) }
}

func with(set func(*whatIf)) func(backends.Backend) *whatIf {
	return func(b backends.Backend) *whatIf {
		q := newWhatIf(b)
		set(q)
		return q
	}
}

// everyCall makes every call of a queue, and returns the errors by verb.
func everyCall(t testing.TB, q *whatIf) map[string]error {
	errs := operate(t, q)
	out, err := q.EnqueueAll(t.Context(), items(2))
	if len(out) != 2 || out[1].Err == nil || !errors.Is(err, out[1].Err) {
		t.Errorf("EnqueueAll: outcomes %+v beside %v", out, err)
	}
	errs["enqueue"] = second(q.Enqueue(t.Context(), ask))
	errs["complete"] = q.Complete(t.Context(), &queue.Job[settings]{}, plan{})
	errs["args"] = second(q.Args(t.Context(), &queue.Record{Job: &backends.Job{Payload: []byte("{}")}}))
	return errs
}

// operate makes those of an operator.
func operate(t testing.TB, q *whatIf) map[string]error {
	ctx, letter := t.Context(), &queue.Record{Job: &backends.Job{Ref: queue.Ref{ID: "x"}}}
	var listed error
	for _, listed = range q.DeadLetters(ctx) {
	}
	return map[string]error{
		"jobs":    listed,
		"stats":   second(q.Stats(ctx)),
		"cancel":  q.Cancel(ctx, letter.Job.Ref),
		"redrive": q.Redrive(ctx, letter),
		"purge":   second(q.Purge(ctx, queue.Filter{State: queue.Dead})),
		"pause":   q.Pause(ctx),
		"resume":  q.Resume(ctx),
	}
}
