package rabbit_test

import (
	"bytes"
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// shelf is a record store that lives in the process.
type shelf struct {
	mu     sync.Mutex
	last   int
	values map[string]shelved
}

type shelved struct {
	value   []byte
	version backends.Version
	expire  time.Time
}

func newShelf() *shelf { return &shelf{values: map[string]shelved{}} }

func (s *shelf) live(key string) shelved {
	v := s.values[key]
	if !v.expire.IsZero() && !v.expire.After(time.Now()) {
		delete(s.values, key)
		return shelved{}
	}
	return v
}

func (s *shelf) Get(ctx context.Context, key string, _ backends.Version) ([]byte, backends.Version, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.live(key)
	return bytes.Clone(v.value), v.version, nil
}

func (s *shelf) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
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
