package queue_test

import (
	"errors"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// texts is a queue whose args and results are as long as their text.
func texts(b backends.Backend, bucket queue.Bucket) *queue.Queue[string, string] {
	q := queue.New[string, string](b, "texts")
	q.Codec, q.Bucket = rawCodec{}, bucket
	return q
}

// Up to the limit args lie beside the job, above it in the bucket, and the handler
// can't tell.
func TestLargeArgsTakeTheWayOfTheBucket(t *testing.T) {
	small := func(f *backends.Features) { f.MaxPayload = 50 }
	for name, c := range map[string]struct {
		inline, size int
		b            backends.Backend
		stored       bool
	}{
		"empty":                         {100, 0, store(), false},
		"one byte":                      {100, 1, store(), false},
		"limit - 1":                     {100, 99, store(), false},
		"limit":                         {100, 100, store(), false},
		"limit + 1":                     {100, 101, store(), true},
		"the default":                   {0, 64 << 10, store(), false},
		"the default + 1":               {0, 64<<10 + 1, store(), true},
		"the backend's, if smaller":     {100, 50, featured{store(), small}, false},
		"the backend's + 1":             {100, 51, featured{store(), small}, true},
		"4 MiB":                         {0, 4 << 20, store(), true},
		"an Inline above the backend's": {1 << 30, 51, featured{store(), small}, true},
	} {
		t.Run(name, func(t *testing.T) {
			bucket := &mapBucket{}
			q := texts(c.b, bucket)
			q.Inline = c.inline
			args := strings.Repeat("x", c.size)
			ticket := enqueue(t, q, args)
			job, a := claim(t, q)
			if job.Args != args {
				t.Errorf("%d bytes became %d", len(args), len(job.Args))
			}
			if got, err := q.Args(t.Context(), record(t, q, ticket.Ref)); err != nil || got != args {
				t.Errorf("Args: %d bytes, %v", len(got), err)
			}
			beside := len(a.Lease.Job.Payload)
			if n := len(bucket.keys()); c.stored && (n != 1 || beside != 0) || !c.stored && (n != 0 || beside != c.size) {
				t.Errorf("%d objects, %d bytes beside the job", n, beside)
			}
		})
	}
}

func TestWithoutBucketLargeArgsAreTooLarge(t *testing.T) {
	s := &spy{Backend: store()}
	q := texts(s, nil)
	q.Inline = 100
	ticket, err := q.Enqueue(t.Context(), strings.Repeat("x", 101))
	matches(t, "limit + 1", err, queue.ErrTooLarge)
	if want := "queue: enqueue: args of 101 bytes without a Queue.Bucket: too large to store inline"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if !ticket.IsZero() || s.count() != 0 {
		t.Errorf("ticket %+v, %d calls", ticket, s.count())
	}
}

func TestABucketThatFailsFailsTheEnqueue(t *testing.T) {
	full := errors.New("no space left on device")
	for _, after := range []bool{false, true} {
		s, bucket := &spy{Backend: store()}, &mapBucket{fail: full, after: after}
		q := texts(s, bucket)
		q.Inline = 1
		ticket, err := q.Enqueue(t.Context(), "large")
		matches(t, "bucket fails", err, full)
		if !ticket.IsZero() || s.count() != 0 {
			t.Errorf("after %v: ticket %+v, %d calls", after, ticket, s.count())
		}
	}
}

func TestAWriteThatAClientRepeatsIsASuccess(t *testing.T) {
	bucket := &mapBucket{fail: fs.ErrExist, after: true}
	q := texts(store(), bucket)
	q.Inline = 1
	if _, err := q.Enqueue(t.Context(), "large"); err != nil {
		t.Error(err)
	}
	if _, data := bucket.one(t); string(data) != "large" {
		t.Errorf("the bucket has %s", data)
	}
}

var objectKey = regexp.MustCompile(`^\d{4}-\d\d-\d\d/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Keys begin with the day after which nobody needs the object, so that a sweep
// needs no look inside; and there is nothing of the caller's in them.
func TestKeysOfArgsBeginWithTheDayOfTheirEnd(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		want string // counted from 2000-01-01, midnight
		opts []queue.Option
		set  func(*queue.Queue[string, string])
	}{
		"defaults: 30 + 14 + 1":      {"2000-02-15", nil, nil},
		"expiry: 2 + 14 + 1":         {"2000-01-18", []queue.Option{queue.Expiry(2 * day)}, nil},
		"expiry goes before delay":   {"2000-01-18", []queue.Option{queue.Expiry(2 * day), queue.Delay(day)}, nil},
		"delay: 10 + 30 + 14 + 1":    {"2000-02-25", []queue.Option{queue.Delay(10 * day)}, nil},
		"at: 10 + 30 + 14 + 1":       {"2000-02-25", []queue.Option{queue.At(time.Date(2000, 1, 11, 0, 0, 0, 0, time.UTC))}, nil},
		"at, long ago":               {"2000-02-15", []queue.Option{queue.At(time.Unix(1, 0))}, nil},
		"across a leap day":          {"2000-03-01", []queue.Option{queue.Delay(15 * day)}, nil},
		"blob life: 3 + 14 + 1":      {"2000-01-19", nil, func(q *queue.Queue[string, string]) { q.BlobLife = 3 * day }},
		"dead retention: 30 + 1 + 1": {"2000-02-02", nil, func(q *queue.Queue[string, string]) { q.DeadRetention = day }},
		"no dead retention":          {"2000-02-02", nil, func(q *queue.Queue[string, string]) { q.DeadRetention = -1 }},
		"retention longer: 30 + 90 + 1": {"2000-05-01", nil, func(q *queue.Queue[string, string]) {
			q.Retention = 90 * day
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bucket := &mapBucket{}
				q := texts(store(), bucket)
				q.Inline = 1
				if c.set != nil {
					c.set(q)
				}
				opts := append(c.opts, queue.Tenant("../zeta"), queue.Key("2026-01-01/key"), queue.Supersede("place"))
				enqueue(t, q, "large", opts...)
				key, _ := bucket.one(t)
				if !objectKey.MatchString(key) || !strings.HasPrefix(key, c.want+"/") {
					t.Errorf("key %s, want %s/…", key, c.want)
				}
			})
		})
	}
}

// A repeated request writes an object of its own, which is swept some day; the job
// keeps the first one's.
func TestARepeatedKeyKeepsTheFirstObject(t *testing.T) {
	bucket := &mapBucket{}
	q := texts(store(), bucket)
	q.Inline = 1
	first := enqueue(t, q, "large", queue.Key("k"))
	key, _ := bucket.one(t)
	if again := enqueue(t, q, "large", queue.Key("k")); again.Ref != first.Ref || !again.Duplicate {
		t.Errorf("%+v, then %+v", first, again)
	}
	matches(t, "other large args", second(q.Enqueue(t.Context(), "other", queue.Key("k"))), queue.ErrKeyReused)
	_, a := claim(t, q)
	if got := a.Lease.Job.Headers["leat-stored"]; got != key {
		t.Errorf("the job's args lie at %s, want %s", got, key)
	}
}

// Args that are gone are final; a bucket that is out, or isn't set, may come back.
func TestRule_R10_ArgsThatCannotBeFetched(t *testing.T) {
	out := errors.New("bucket is out")
	for name, c := range map[string]struct {
		harm  func(*queue.Queue[string, string], *mapBucket)
		final bool
		err   error
	}{
		"swept":   {func(_ *queue.Queue[string, string], b *mapBucket) { clear(b.objects) }, true, fs.ErrNotExist},
		"out":     {func(_ *queue.Queue[string, string], b *mapBucket) { b.fail = out }, false, out},
		"not set": {func(q *queue.Queue[string, string], _ *mapBucket) { q.Bucket = nil }, false, queue.ErrInvalid},
	} {
		b, bucket := store(), &mapBucket{}
		q := texts(b, bucket)
		q.Inline = 1
		enqueue(t, q, "large")
		worker := texts(b, bucket)
		c.harm(worker, bucket)
		_, err := inside(t, worker).Job(t.Context(), &seam.Attempt{Lease: lease(t, worker)})
		if err == nil || errors.Is(err, seam.ErrUndecodable) != c.final {
			t.Errorf("%s: %v; final should be %v", name, err, c.final)
		}
		matches(t, name, err, c.err)
	}
}

// Whoever can write to the store can't make a worker read what else lies in the
// bucket.
func TestForeignKeysAreNotOpened(t *testing.T) {
	for _, key := range []string{
		"secrets/config.json", "2026-12-09", "2026-12-09/", "2026-12-09/../../etc/passwd", "/2026-12-09/x", "2026-12-9/x",
		"2026-13-01/x", "2026-12-09//x", "../2026-12-09/x", "somebodys", "2026-12-09/invoices.csv", "2026-12-09/backup/full",
		"2026-12-09/{8a4f2c1e-0b6c-4d53-9d3f-5b2a7c9e1f00}", "2026-12-09/8A4F2C1E-0B6C-4D53-9D3F-5B2A7C9E1F00",
		"2026-12-09/8a4f2c1e-0b6c-4d53-9d3f-5b2a7c9e1f00/x",
	} {
		b, bucket := store(), &mapBucket{objects: map[string][]byte{key: []byte(`{}`)}}
		q := newWhatIf(b)
		q.Bucket = bucket
		foreign(t, b, backends.Job{Headers: map[string]string{"leat-stored": key}})
		_, err := inside(t, q).Job(t.Context(), &seam.Attempt{Lease: lease(t, q)})
		matches(t, key, err, seam.ErrUndecodable)
		if len(bucket.opened) != 0 {
			t.Errorf("opened %q", bucket.opened)
		}
		if err != nil && strings.Contains(err.Error(), key) {
			t.Errorf("%v quotes the key", err)
		}
		_, err = inside(t, q).Unpack(t.Context(), &queue.Record{Job: &backends.Job{}, Stored: key})
		matches(t, "result at "+key, err, fs.ErrNotExist)
	}
}

func TestLargeResultsTakeTheWayOfTheBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for size, stored := range map[int]bool{0: false, 1: false, 99: false, 100: false, 101: true, 1 << 20: true} {
			bucket := &mapBucket{}
			q := texts(store(), bucket)
			q.Inline, q.Retention = 100, 48*time.Hour
			ticket := enqueue(t, q, "args")
			job, _ := claim(t, q)
			want := strings.Repeat("r", size)
			if err := q.Complete(t.Context(), job, want); err != nil {
				t.Fatal(err)
			}
			r := record(t, q, ticket.Ref)
			stream, err := inside(t, q).Unpack(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(stream)
			if err != nil || string(got) != want || stream.Close() != nil {
				t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
			}
			if (r.Stored != "") != stored || (len(r.Result) == size) == stored && size > 0 {
				t.Errorf("%d bytes: stored at %q, %d beside the record", size, r.Stored, len(r.Result))
			}
			if stored && (!objectKey.MatchString(r.Stored) || !strings.HasPrefix(r.Stored, "2000-01-04/")) { // 2 days + 1
				t.Errorf("key %s", r.Stored)
			}
		}

		q := texts(store(), nil)
		q.Inline = 10
		enqueue(t, q, "args")
		job, _ := claim(t, q)
		matches(t, "no bucket", q.Complete(t.Context(), job, "a large result"), queue.ErrTooLarge)
	})
}
