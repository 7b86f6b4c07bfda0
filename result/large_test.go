package result_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

func TestLargeResultsComeFromTheBucket(t *testing.T) {
	for name, box := range map[string]queue.Box{"plain": nil, "encrypted": envelope{}} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			b := newBucket()
			s.q.Bucket, s.q.Box, s.q.Inline = b, box, 4
			ref := s.enqueue()
			s.Succeed(s.Claim(), plan{123456})
			got, err := result.Get(t.Context(), s.q, ref)
			if err != nil || got.Order != 123456 || b.asked == 0 {
				t.Errorf("got %+v, error %v; the bucket was asked %d times", got, err, b.asked)
			}
		})
	}
}

func TestResultsThatHaveGoneAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(*bucket)
		q    func(*queue.Queue[settings, plan])
		want error
	}{
		"swept":     {lose: func(b *bucket) { clear(b.objects) }, want: fs.ErrNotExist},
		"damaged":   {lose: damage, q: func(q *queue.Queue[settings, plan]) { q.Box = envelope{} }, want: queue.ErrSealBroken},
		"no bucket": {lose: func(*bucket) {}, q: func(q *queue.Queue[settings, plan]) { q.Bucket = nil }, want: queue.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			b := newBucket()
			s.q.Bucket, s.q.Inline = b, 4
			ref := s.enqueue()
			s.Succeed(s.Claim(), plan{123456})
			c.lose(b)
			b.asked = 0
			reader := queue.New[settings, plan](s.b, "whatif")
			reader.Bucket = b
			if c.q != nil {
				c.q(reader)
			}
			_, err := result.Wait(t.Context(), reader, ref)
			expect(t, err, c.want)
			broken, ok := errors.AsType[*result.UnreadableError](err)
			if !ok || broken.Ref != ref || !strings.Contains(err.Error(), ref.ID) {
				t.Errorf("error %v", err)
			}
			if b.asked > 1 {
				t.Errorf("asked %d times for what has gone", b.asked)
			}
			_, st, err := result.Open(t.Context(), reader, ref)
			expect(t, err, c.want)
			if st == nil || st.State != queue.Succeeded {
				t.Errorf("status %+v", st)
			}
		})
	}
}

func damage(b *bucket) {
	for k := range b.objects {
		b.objects[k] = []byte("not yours")
	}
}

func TestWaitOutlastsABucketThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		b := newBucket()
		s.q.Bucket, s.q.Inline = b, 4
		ref := s.enqueue()
		s.Succeed(s.Claim(), plan{123456})
		b.broken = 3
		got, err := result.Wait(t.Context(), s.q, ref)
		if expect(t, err, nil); got.Order != 123456 {
			t.Errorf("got %+v", got)
		}
		b.broken = 100
		_, err = result.Wait(t.Context(), s.q, ref)
		expect(t, err, errBucketAway)
		_, err = result.Get(t.Context(), s.q, ref)
		expect(t, err, errBucketAway)
		if _, final := errors.AsType[*result.UnreadableError](err); final {
			t.Errorf("what may pass is told as final: %v", err)
		}
	})
}
