package result_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/internal/byhand"
	"github.com/leat-go/leat/queue"
)

type settings struct{ SKU string }

type plan struct{ Order int }

// scene is a queue on a store that can be made to fail, and the worker's side of
// it, by hand.
type scene struct {
	*testing.T
	byhand.Worker
	q *queue.Queue[settings, plan]
	b *backendtest.Faulty
}

// newScene is made inside a bubble, and closed in it.
func newScene(t *testing.T) *scene {
	store := memory.New(memory.Options{})
	t.Cleanup(func() { store.Close() })
	b := backendtest.NewFaulty(store)
	q := queue.New[settings, plan](b, "whatif")
	return &scene{t, byhand.Worker{Test: t, Store: b, Queue: q}, q, b}
}

func (s *scene) enqueue(opts ...queue.Option) queue.Ref {
	s.Helper()
	t, err := s.q.Enqueue(s.Context(), settings{"22423"}, append([]queue.Option{queue.Tenant("zeta")}, opts...)...)
	if err != nil {
		s.Fatal(err)
	}
	return t.Ref
}

func (s *scene) cancel(ref queue.Ref) {
	s.Helper()
	if err := s.q.Cancel(s.Context(), ref); err != nil {
		s.Fatal(err)
	}
}

// expect fails unless err matches want (nil: is nil).
func expect(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// bucket is one in memory. Reading fails broken times first.
type bucket struct {
	objects map[string][]byte
	broken  int
	asked   int
}

var errBucketAway = errors.New("bucket away")

func newBucket() *bucket { return &bucket{objects: map[string][]byte{}} }

func (b *bucket) Write(_ context.Context, key string, data []byte) error {
	b.objects[key] = bytes.Clone(data)
	return nil
}

func (b *bucket) Open(_ context.Context, key string) (io.ReadCloser, error) {
	b.asked++
	if b.broken > 0 {
		b.broken--
		return nil, errBucketAway
	}
	data, ok := b.objects[key]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: key, Err: fs.ErrNotExist}
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (b *bucket) Delete(_ context.Context, key string) error {
	delete(b.objects, key)
	return nil
}

func (b *bucket) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, k := range slices.Sorted(maps.Keys(b.objects)) {
			if strings.HasPrefix(k, prefix) && !yield(k, nil) {
				return
			}
		}
	}
}

// envelope is a Box that writes the label before the bytes.
type envelope struct{}

func (envelope) Seal(_ context.Context, plain, label []byte) ([]byte, error) {
	return slices.Concat(label, plain), nil
}

func (envelope) Open(_ context.Context, sealed, label []byte) ([]byte, error) {
	plain, ours := bytes.CutPrefix(sealed, label)
	if !ours {
		return nil, queue.ErrSealBroken
	}
	return plain, nil
}
