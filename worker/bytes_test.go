package worker_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// shelf is a Bucket in memory that may be away, or hang.
type shelf struct {
	mu      sync.Mutex
	objects map[string][]byte
	err     error
	hangs   bool
	tries   int
}

func (b *shelf) reach(ctx context.Context) error {
	b.mu.Lock()
	b.tries++
	err, hangs := b.err, b.hangs
	b.mu.Unlock()
	if hangs {
		<-ctx.Done()
	}
	return errors.Join(err, ctx.Err())
}

func (b *shelf) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *shelf) Write(ctx context.Context, key string, data []byte) error {
	if err := b.reach(ctx); err != nil {
		return err
	}
	b.set(func() { b.objects[key] = bytes.Clone(data) })
	return nil
}

func (b *shelf) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := b.reach(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.objects[key]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: key, Err: fs.ErrNotExist}
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (b *shelf) Delete(context.Context, string) error { return nil }

func (b *shelf) List(context.Context, string) iter.Seq2[string, error] {
	return func(func(string, error) bool) {}
}

// withShelf gives the queue a bucket for all but the smallest args and results.
func (s *scene) withShelf() *shelf {
	b := &shelf{objects: map[string][]byte{}}
	s.q.Bucket, s.q.Inline = b, 12
	return b
}

// R10: what can't be decoded is a dead letter at once, with the bytes as they came.
func TestRule_R10_UndecodableArgsKeepTheirBytes(t *testing.T) {
	for _, payload := range []string{"", "{", `{"N":"one"}`, `{"N":1e400}`, "\xff\xfe\x00", strings.Repeat("[", 10_001)} {
		play(t, func(s *scene) {
			s.work(func(context.Context, *queue.Job[ask]) (int, error) {
				t.Error("the handler ran")
				return 0, nil
			})
			ref := queue.Ref{Tenant: "zeta", ID: "foreign"}
			_, err := s.store.Enqueue(t.Context(), backends.EnqueueRequest{
				Queue: "answers", Jobs: []backends.Job{{Ref: ref, Payload: []byte(payload)}},
			})
			match(s, err, nil)
			pass(time.Second)
			r := s.expect(ref, queue.Dead, 1)
			if string(r.Job.Payload) != payload || r.Reason != "its args can't be decoded" || len(r.Failures) != 1 {
				t.Errorf("payload %q, reason %q, failures %v", r.Job.Payload, r.Reason, r.Failures)
			}
		})
	}
}

func TestArgsThatAreGoneAreADeadLetter(t *testing.T) {
	play(t, func(s *scene) {
		b := s.withShelf()
		s.work(answer)
		b.set(func() { b.err = errSad })
		_, err := s.q.Enqueue(s.Context(), ask{large})
		match(s, err, errSad)
		b.set(func() { b.err = nil })
		gone := s.enqueue(large, queue.Delay(time.Minute))
		b.set(func() { clear(b.objects) })
		pass(time.Hour)
		if r := s.expect(gone, queue.Dead, 1); r.Reason != "its args can't be decoded" {
			t.Errorf("reason %q", r.Reason)
		}
	})
}

// large is an answer that goes to the bucket.
const large = 1234567890123

func answerLarge(context.Context, *queue.Job[ask]) (int, error) { return large, nil }

// A bucket that is away, for args or for results, is a failed attempt, and no more.
func TestBucketThatIsAwayIsAFailedAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		ask int
		h   handler
	}{"args": {large, answer}, "result": {1, answerLarge}} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *scene) {
				b := s.withShelf()
				w := s.worker(c.h)
				w.Backoff = func(int) time.Duration { return time.Hour }
				s.start(w)
				ref := s.enqueue(c.ask, queue.Delay(time.Minute))
				b.set(func() { b.err = errSad })
				pass(30 * time.Minute)
				if r := s.expect(ref, queue.Waiting, 1); !strings.Contains(r.Failures[0].Text, "sad") {
					t.Errorf("failure %v", r.Failures)
				}
				b.set(func() { b.err = nil })
				pass(time.Hour)
				if r := s.expect(ref, queue.Succeeded, 2); r.Stored == "" {
					t.Error("the result doesn't lie in the bucket")
				}
			})
		})
	}
}

func TestResultThatCannotBeEncodedIsADeadLetter(t *testing.T) {
	play(t, func(s *scene) {
		q := queue.New[ask, chan int](s.store, "answers")
		w := worker.New(q, func(context.Context, *queue.Job[ask]) (chan int, error) { return make(chan int), nil })
		w.Logger = s.log
		s.start(w)
		ref := s.enqueue(1)
		pass(time.Second)
		if r := s.expect(ref, queue.Dead, 1); r.Reason != "its result can't be encoded" || !strings.Contains(r.Failures[0].Text, "chan int") {
			t.Errorf("reason %q, failures %v", r.Reason, r.Failures)
		}
	})
}

func TestResultThatIsTooLargeIsADeadLetter(t *testing.T) {
	for size, state := range map[int]queue.State{
		queue.DefaultInline - 2: queue.Succeeded, // and two quotes
		queue.DefaultInline - 1: queue.Dead,
	} {
		play(t, func(s *scene) {
			q := queue.New[ask, string](s.store, "answers")
			w := worker.New(q, func(context.Context, *queue.Job[ask]) (string, error) { return strings.Repeat("x", size), nil })
			w.Logger = s.log
			s.start(w)
			ref := s.enqueue(1)
			pass(time.Second)
			r := s.expect(ref, state, 1)
			if state == queue.Dead && r.Reason != "its result is too large" {
				t.Errorf("reason %q", r.Reason)
			}
		})
	}
}

// What the store itself refuses of a success can't be retried away.
func TestResultThatTheStoreRefusesIsADeadLetter(t *testing.T) {
	play(t, func(s *scene) {
		s.q = queue.New[ask, int](&refusing{s.store, backends.ErrTooLarge}, "answers")
		s.work(answer)
		ref := s.enqueue(1)
		pass(time.Second)
		if r := s.expect(ref, queue.Dead, 1); r.Reason != "the store refused its result" {
			t.Errorf("reason %q", r.Reason)
		}
	})
}

// refusing is a store that takes no success.
type refusing struct {
	backends.Backend
	err error
}

func (r *refusing) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	errs := make([]error, len(ss))
	for i, s := range ss {
		if errs[i] = r.err; s.Outcome == queue.Succeeded {
			continue
		}
		one, err := r.Backend.Settle(ctx, ss[i:i+1])
		if err != nil {
			return nil, err
		}
		if errs[i] = nil; one != nil {
			errs[i] = one[0]
		}
	}
	return errs, nil
}

// The run limit passes while the handler returns: its result is written all the
// same, to the bucket too.
func TestResultOfAHandlerWhoseTimeIsUpReachesTheBucket(t *testing.T) {
	play(t, func(s *scene) {
		b := s.withShelf()
		w := s.worker(func(ctx context.Context, job *queue.Job[ask]) (int, error) {
			<-ctx.Done()
			return answerLarge(ctx, job)
		})
		w.RunLimit = time.Minute
		s.start(w)
		ref := s.enqueue(1)
		pass(time.Hour)
		s.expectStored(b, ref)
	})
}

// The run limit passes while the result is on its way.
func TestResultThatIsOnItsWayWhenTimeIsUpIsSentAgain(t *testing.T) {
	play(t, func(s *scene) {
		b := s.withShelf()
		b.hangs = true
		w := s.worker(answerLarge)
		w.RunLimit = time.Minute
		s.start(w)
		ref := s.enqueue(1)
		pass(30 * time.Second)
		b.set(func() { b.hangs = false })
		pass(time.Hour)
		s.expectStored(b, ref)
	})
}

// expectStored wants the large answer in the bucket, at the first attempt.
func (s *scene) expectStored(b *shelf, ref queue.Ref) {
	s.Helper()
	if r := s.expect(ref, queue.Succeeded, 1); string(b.objects[r.Stored]) != strconv.Itoa(large) {
		s.Errorf("record %+v, bucket %q", r, b.objects)
	}
}
