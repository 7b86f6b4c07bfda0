package backendtest

import (
	"bytes"
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// Shelf is a record store that lives in the process, for tests of what needs one. It
// is held to [Cells] itself.
type Shelf struct {
	mu     sync.Mutex
	last   int
	values map[string]shelved
}

type shelved struct {
	value   []byte
	version backends.Version
	expire  time.Time
}

// NewShelf makes an empty one.
func NewShelf() *Shelf { return &Shelf{values: map[string]shelved{}} }

func (s *Shelf) live(key string) shelved {
	v := s.values[key]
	if !v.expire.IsZero() && !v.expire.After(time.Now()) {
		delete(s.values, key)
		return shelved{}
	}
	return v
}

// Clear forgets everything, as a store that was lost.
func (s *Shelf) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.values)
}

// Len is how many values there are.
func (s *Shelf) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.values)
}

// Get implements [backends.Cells].
func (s *Shelf) Get(ctx context.Context, key string, _ backends.Version) ([]byte, backends.Version, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.live(key)
	return bytes.Clone(v.value), v.version, nil
}

// Put implements [backends.Cells].
func (s *Shelf) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live(key).version != prev {
		return "", backends.ErrConflict
	}
	s.last++
	version := backends.Version(strconv.Itoa(s.last))
	s.values[key] = shelved{bytes.Clone(v), version, expire}
	return version, nil
}
