package queue_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leat-go/leat/queue"
)

// mapBucket is a Bucket in the process. The zero value is empty and ready.
type mapBucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	fail    error // of every call
	after   bool  // Write fails when it is done
	opened  []string
}

func (b *mapBucket) Write(_ context.Context, key string, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil && !b.after {
		return b.fail
	}
	if _, taken := b.objects[key]; taken {
		return fs.ErrExist
	}
	if b.objects == nil {
		b.objects = map[string][]byte{}
	}
	b.objects[key] = bytes.Clone(data)
	return b.fail
}

func (b *mapBucket) Open(_ context.Context, key string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened = append(b.opened, key)
	data, ok := b.objects[key]
	switch {
	case b.fail != nil:
		return nil, b.fail
	case !ok:
		return nil, fmt.Errorf("object: %w", fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (b *mapBucket) Delete(_ context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
	return b.fail
}

func (b *mapBucket) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range b.keys() {
			if strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return
			}
		}
	}
}

func (b *mapBucket) keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.objects))
}

// one is the only object there is.
func (b *mapBucket) one(t testing.TB) (key string, data []byte) {
	t.Helper()
	keys := b.keys()
	if len(keys) != 1 {
		t.Fatalf("objects %v, want one", keys)
	}
	return keys[0], b.objects[keys[0]]
}

// aesBox is a Box with a key of its own, AES-GCM with the label as what it is
// bound to.
type aesBox struct {
	aead   cipher.AEAD
	fail   error
	mu     sync.Mutex
	labels []string
}

func newBox(t testing.TB) *aesBox {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return &aesBox{aead: aead}
}

func (b *aesBox) Seal(_ context.Context, plain, label []byte) ([]byte, error) {
	b.mu.Lock()
	b.labels = append(b.labels, string(label))
	b.mu.Unlock()
	return b.aead.Seal(nil, nil, plain, label), b.fail
}

func (b *aesBox) Open(_ context.Context, sealed, label []byte) ([]byte, error) {
	if b.fail != nil {
		return nil, b.fail
	}
	plain, err := b.aead.Open(nil, nil, sealed, label)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", queue.ErrSealBroken, err)
	}
	return plain, nil
}
