package queue_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

var noon = time.Date(2027, 3, 28, 12, 0, 0, 0, time.UTC)

func TestOptionsReachTheJob(t *testing.T) {
	for name, c := range map[string]struct {
		opts []queue.Option
		want backends.Job
	}{
		"none":          {nil, backends.Job{}},
		"zero":          {[]queue.Option{{}}, backends.Job{}},
		"tenant":        {[]queue.Option{queue.Tenant("zeta")}, backends.Job{Ref: queue.Ref{Tenant: "zeta"}}},
		"emoji, RTL":    {[]queue.Option{queue.Tenant("🌊\u202e\ufffe")}, backends.Job{Ref: queue.Ref{Tenant: "🌊\u202e\ufffe"}}},
		"longest":       {[]queue.Option{queue.Tenant(strings.Repeat("t", 256))}, backends.Job{Ref: queue.Ref{Tenant: strings.Repeat("t", 256)}}},
		"supersede":     {[]queue.Option{queue.Supersede("screen-9")}, backends.Job{Supersede: "screen-9"}},
		"trailing":      {[]queue.Option{queue.Trailing("screen-9")}, backends.Job{Supersede: "screen-9", Trailing: true}},
		"priority":      {[]queue.Option{queue.Priority(math.MinInt32)}, backends.Job{Priority: math.MinInt32}},
		"delay":         {[]queue.Option{queue.Delay(15*time.Minute + time.Second)}, backends.Job{Delay: 15*time.Minute + time.Second}},
		"a long delay":  {[]queue.Option{queue.Delay(100 * 365 * 24 * time.Hour)}, backends.Job{Delay: 100 * 365 * 24 * time.Hour}},
		"no delay":      {[]queue.Option{queue.Delay(0)}, backends.Job{}},
		"at":            {[]queue.Option{queue.At(noon)}, backends.Job{Due: noon}},
		"at, long gone": {[]queue.Option{queue.At(time.Time{}.Add(1))}, backends.Job{Due: time.Time{}.Add(1)}},
		"at and delay":  {[]queue.Option{queue.Delay(time.Hour), queue.At(noon)}, backends.Job{Due: noon, Delay: time.Hour}},
		"expiry":        {[]queue.Option{queue.Expiry(time.Hour)}, backends.Job{Expiry: time.Hour}},
		"attempts":      {[]queue.Option{queue.MaxAttempts(math.MaxInt32)}, backends.Job{MaxAttempts: math.MaxInt32}},
		"run limit":     {[]queue.Option{queue.RunLimit(time.Minute)}, backends.Job{RunLimit: time.Minute}},
		"uses":          {[]queue.Option{queue.Uses("the small database")}, backends.Job{Resource: "the small database"}},
		"headers": {
			[]queue.Option{queue.Header("From", "portal"), queue.Header("empty", ""), queue.Header("leather", "1")},
			backends.Job{Headers: map[string]string{"From": "portal", "empty": "", "leather": "1"}},
		},
		"the later one wins": {
			[]queue.Option{
				queue.Tenant("a"), queue.Priority(1), queue.Trailing("x"), queue.Header("from", "a"), queue.Delay(-1),
				queue.Tenant("b"), queue.Priority(2), queue.Supersede("y"), queue.Header("from", "b"), queue.Delay(2),
			},
			backends.Job{Ref: queue.Ref{Tenant: "b"}, Priority: 2, Supersede: "y", Headers: map[string]string{"from": "b"}, Delay: 2},
		},
		"the later one wins, trailing": {
			[]queue.Option{queue.Supersede("x"), queue.Trailing("y")},
			backends.Job{Supersede: "y", Trailing: true},
		},
		"taken back": {
			[]queue.Option{queue.Trailing("x"), queue.Supersede(""), queue.Key("k"), queue.Key(""), queue.Expiry(1), queue.Expiry(0)},
			backends.Job{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &spy{Backend: store()}
			ticket := enqueue(t, newWhatIf(s), ask, c.opts...)
			c.want.ID = ticket.ID
			c.want.Payload = []byte(`{"Partner":"zeta","SKU":"22423"}`)
			if diff := cmp.Diff(&c.want, s.job(t), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if ticket.Tenant != c.want.Tenant {
				t.Errorf("the ticket says tenant %q", ticket.Tenant)
			}
		})
	}
}

// What no store takes is refused by name, before anything is written: large args
// would have gone to the bucket first.
func TestInvalidOptionsAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	long := strings.Repeat("x", 257)
	for _, c := range []struct {
		name  string
		field string
		opts  []queue.Option
	}{
		{"tenant with NUL", "Job.Tenant", []queue.Option{queue.Tenant("ze\x00ta")}},
		{"tenant not UTF-8", "Job.Tenant", []queue.Option{queue.Tenant("ze\xffta")}},
		{"tenant with a lone surrogate", "Job.Tenant", []queue.Option{queue.Tenant("\xed\xa0\x80")}},
		{"tenant too long", "Job.Tenant", []queue.Option{queue.Tenant(long)}},
		{"tenant too long, with a key", "Job.Tenant", []queue.Option{queue.Tenant(long), queue.Key("k")}},
		{"place too long", "Job.Supersede", []queue.Option{queue.Supersede(long)}},
		{"place with NUL", "Job.Supersede", []queue.Option{queue.Trailing("\x00")}},
		{"trailing without a place", "Job.Trailing", []queue.Option{queue.Trailing("")}},
		{"negative delay", "Job.Delay", []queue.Option{queue.Delay(-time.Second)}},
		{"endless delay", "Job.Delay", []queue.Option{queue.Delay(math.MaxInt64)}},
		{"at, too far", "Job.Due", []queue.Option{queue.At(noon.AddDate(1000, 0, 0))}},
		{"negative expiry", "Job.Expiry", []queue.Option{queue.Expiry(-1)}},
		{"negative attempts", "Job.MaxAttempts", []queue.Option{queue.MaxAttempts(-1)}},
		{"attempts beyond 32 bits", "Job.MaxAttempts", []queue.Option{queue.MaxAttempts(math.MaxInt32 + 1)}},
		{"priority beyond 32 bits", "Job.Priority", []queue.Option{queue.Priority(math.MinInt32 - 1)}},
		{"negative run limit", "Job.RunLimit", []queue.Option{queue.RunLimit(-1)}},
		{"resource not UTF-8", "Job.Resource", []queue.Option{queue.Uses("\xff")}},
		{"header of ours", "Header", []queue.Option{queue.Header("leat-stored", "2026-12-09/secret")}},
		{"header of ours, loud", "Header", []queue.Option{queue.Header("LEAT-Stored", "x")}},
		{"header of ours, and another", "Header", []queue.Option{queue.Header("leat-", "x"), queue.Header("a", "b")}},
		{"header of the trace", "Header", []queue.Option{queue.Header("TraceParent", "x")}},
		{"header of the trace", "Header", []queue.Option{queue.Header("tracestate", "x")}},
		{"header without a name", "Header", []queue.Option{queue.Header("", "x")}},
		{"header not UTF-8", "Job.Headers", []queue.Option{queue.Header("a", "\xff")}},
		{"header with NUL", "Job.Headers", []queue.Option{queue.Header("a\x00", "b")}},
		{"headers too large", "Job.Headers", []queue.Option{queue.Header("a", strings.Repeat("b", 16<<10))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, bucket := &spy{Backend: store()}, &mapBucket{}
			q := newWhatIf(s)
			q.Inline, q.Bucket = 1, bucket
			ticket, err := q.Enqueue(t.Context(), ask, c.opts...)
			invalid(t, "Enqueue", err, c.field)
			if !ticket.IsZero() || ticket.Duplicate || s.count() != 0 || len(bucket.keys()) != 0 {
				t.Errorf("ticket %+v, %d calls, objects %v", ticket, s.count(), bucket.keys())
			}
			out, err := q.EnqueueAll(t.Context(), []queue.Item[settings]{queue.With(ask, c.opts...)})
			invalid(t, "EnqueueAll", err, c.field)
			invalid(t, "its outcome", out[0].Err, c.field)
		})
	}
}

// The headers of a job may be at their limit; the one that says where large args
// lie is then one too many.
func TestHeadersAtTheLimitLeaveNoRoomForAStoredOne(t *testing.T) {
	bucket := &mapBucket{}
	q := newWhatIf(store())
	most := queue.Header("a", strings.Repeat("b", backends.MaxHeaders-1))
	enqueue(t, q, ask, most)

	q = newWhatIf(store())
	q.Inline, q.Bucket = 1, bucket
	_, err := q.Enqueue(t.Context(), ask, most)
	invalid(t, "with large args", err, "Job.Headers")
	if len(bucket.keys()) != 0 {
		t.Errorf("objects %v", bucket.keys())
	}
}

// One Option may serve many calls at once.
func TestOptionsAreValues(t *testing.T) {
	q := newWhatIf(store())
	shared := []queue.Option{queue.Tenant("zeta"), queue.Header("from", "portal")}
	done := make(chan error)
	for range 8 {
		go func() { done <- second(q.Enqueue(t.Context(), ask, shared...)) }()
	}
	for range 8 {
		matches(t, "enqueue", <-done)
	}
}
