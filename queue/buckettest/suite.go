package buckettest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"

	"github.com/leat-go/leat/queue"
)

// Run holds the Buckets that open returns to the contract, each case on one of
// its own. open returns an empty Bucket; what it needs to close, it leaves to
// t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) queue.Bucket) {
	for _, c := range slices.Concat(objectCases, listCases, raceCases, endedCases) {
		t.Run(c.name, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Log("if it doesn't hold: " + c.why)
				}
			})
			c.run(&env{T: t, Bucket: open(t), ctx: t.Context()})
		})
	}
}

// testCase is one promise.
type testCase struct {
	name string // what holds, as a sentence without spaces: "AnExistingKeyIsNotOverwritten"
	why  string // what breaks for a user when it doesn't
	run  func(*env)
}

// env is a case's test, with the Bucket under test.
type env struct {
	*testing.T
	queue.Bucket
	ctx context.Context
}

func (e *env) write(key string, data []byte) {
	e.Helper()
	if err := e.Write(e.ctx, key, data); err != nil {
		e.Fatalf("Write(%q): %v", key, err)
	}
}

// refusesToOverwrite expects that key exists for Write.
func (e *env) refusesToOverwrite(key string, data []byte) {
	e.Helper()
	if err := e.Write(e.ctx, key, data); !errors.Is(err, fs.ErrExist) {
		e.Fatalf("Write(%q) once more: %v, want fs.ErrExist", key, err)
	}
}

func (e *env) read(key string) []byte {
	e.Helper()
	data, err := e.tryRead(key)
	if err != nil {
		e.Fatalf("read %q: %v", key, err)
	}
	return data
}

func (e *env) tryRead(key string) ([]byte, error) {
	r, err := e.Open(e.ctx, key)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// isAbsent expects that there is no object of that key.
func (e *env) isAbsent(key string) {
	e.Helper()
	if _, err := e.tryRead(key); !errors.Is(err, fs.ErrNotExist) {
		e.Fatalf("Open(%q): %v, want fs.ErrNotExist", key, err)
	}
}

func (e *env) remove(key string) {
	e.Helper()
	if err := e.Delete(e.ctx, key); err != nil {
		e.Fatalf("Delete(%q): %v", key, err)
	}
}

func (e *env) list(prefix string) []string {
	e.Helper()
	keys := []string{}
	for key, err := range e.List(e.ctx, prefix) {
		if err != nil {
			e.Fatalf("List(%q): %v", prefix, err)
		}
		keys = append(keys, key)
	}
	return keys
}
