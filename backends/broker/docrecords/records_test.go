package docrecords_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/docstore"
	"gocloud.dev/docstore/driver"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker/docrecords"
)

func flakyRecords(t *testing.T) (*flaky, *docrecords.Records) {
	f := &flaky{inner: memory(t)}
	coll := f.collection()
	t.Cleanup(func() { coll.Close() })
	return f, docrecords.New(coll, docrecords.Options{})
}

func mustPut(t *testing.T, r *docrecords.Records, value string, prev backends.Version, expire time.Time) backends.Version {
	t.Helper()
	v, err := r.Put(t.Context(), "key", []byte(value), prev, expire)
	if err != nil || v == "" {
		t.Fatalf("Put over %q: version %q, error %v", prev, v, err)
	}
	return v
}

func expectRecord(t *testing.T, r *docrecords.Records, value string, version backends.Version) {
	t.Helper()
	if got, v, err := r.Get(t.Context(), "key", ""); string(got) != value || v != version || err != nil {
		t.Fatalf("got %q, version %q, error %v; want %q, version %q", got, v, err, value, version)
	}
}

// Sixteen writers of two stores on one collection, which repeats every write: one
// wins each key.
func TestRow_E6_OneOfManyCreates(t *testing.T) {
	keys, _ := strconv.Atoi(os.Getenv("LEAT_KEYS"))
	if keys == 0 {
		keys = 2000
	}
	f := &flaky{inner: memory(t)}
	coll := f.collection()
	defer coll.Close()
	f.repeat.Store(true)
	stores := []*docrecords.Records{docrecords.New(coll, docrecords.Options{}), docrecords.New(coll, docrecords.Options{})}
	for i := range keys {
		key := strconv.Itoa(i)
		var wins atomic.Int32
		var winner atomic.Value
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				v, err := stores[w%2].Put(t.Context(), key, []byte(strconv.Itoa(w)), "", time.Time{})
				switch {
				case err == nil:
					wins.Add(1)
					winner.Store(strconv.Itoa(w) + " " + string(v))
				case !errors.Is(err, backends.ErrConflict):
					t.Errorf("a loser got %v", err)
				}
			})
		}
		wg.Wait()
		got, v, err := stores[i%2].Get(t.Context(), key, "")
		if wins.Load() != 1 || winner.Load() != string(got)+" "+string(v) || err != nil {
			t.Fatalf("%d won; got %q, version %q, error %v", wins.Load(), got, v, err)
		}
	}
}

func TestRepeatedWriteIsASuccess(t *testing.T) {
	f, r := flakyRecords(t)
	f.repeat.Store(true)
	v1 := mustPut(t, r, "1", "", time.Time{})
	v2 := mustPut(t, r, "2", v1, time.Now().Add(-time.Second))
	if _, err := r.Put(t.Context(), "key", nil, v1, time.Time{}); !errors.Is(err, backends.ErrConflict) {
		t.Fatalf("over an old version: %v", err)
	}
	v3 := mustPut(t, r, "3", "", time.Time{}) // over what has expired
	if v1 == v2 || v2 == v3 {
		t.Fatalf("versions %q, %q, %q", v1, v2, v3)
	}
	expectRecord(t, r, "3", v3)
}

func TestCounts(t *testing.T) {
	f, r := flakyRecords(t)
	expect := func(what string, writes, gets int32) {
		t.Helper()
		if w, g := f.writes.Swap(0), f.gets.Swap(0); w != writes || g != gets {
			t.Errorf("%s: %d writes and %d reads, want %d and %d", what, w, g, writes, gets)
		}
	}
	v := mustPut(t, r, "1", "", time.Time{})
	expect("create", 1, 0)
	v2 := mustPut(t, r, "2", v, time.Now().Add(-time.Second))
	expect("replace", 1, 0)
	r.Put(t.Context(), "key", nil, v, time.Time{})
	expect("conflict", 1, 1)
	r.Put(t.Context(), "key", nil, v2, time.Time{})
	expect("a version known to have expired", 0, 0)
	expectRecord(t, r, "", "")
	expect("read", 0, 1)
	mustPut(t, r, "3", "", time.Time{})
	expect("create over what has expired", 2, 1)
}

// A store with time to live deletes the document between the look and the write.
func TestDeletedWhileReplaced(t *testing.T) {
	f, r := flakyRecords(t)
	mustPut(t, r, "1", "", time.Now().Add(-time.Second))
	f.before = func(kind driver.ActionKind) {
		if kind == driver.Replace {
			f.before = nil
			if err := f.inner.Delete(t.Context(), map[string]any{"key": "key"}); err != nil {
				t.Error(err)
			}
		}
	}
	v := mustPut(t, r, "2", "", time.Time{})
	expectRecord(t, r, "2", v)
}

func TestDeletedAndReplacedIsAConflict(t *testing.T) {
	f, r := flakyRecords(t)
	v := mustPut(t, r, "1", "", time.Now().Add(time.Hour))
	if err := f.inner.Delete(t.Context(), map[string]any{"key": "key"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Put(t.Context(), "key", nil, v, time.Time{}); !errors.Is(err, backends.ErrConflict) {
		t.Fatal(err)
	}
	expectRecord(t, r, "", "")
}

func TestExpiryIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := docrecords.New(memory(t), docrecords.Options{})
		v := mustPut(t, r, "1", "", time.Now().Add(1500*time.Millisecond+1))
		<-time.After(1500 * time.Millisecond)
		expectRecord(t, r, "1", v)
		<-time.After(1)
		expectRecord(t, r, "", "")
		if _, err := r.Put(t.Context(), "key", nil, v, time.Time{}); !errors.Is(err, backends.ErrConflict) {
			t.Fatal(err)
		}
	})
}

func TestEpochIsNotNever(t *testing.T) {
	_, r := flakyRecords(t)
	mustPut(t, r, "1", "", time.Unix(0, 0))
	expectRecord(t, r, "", "")
}

func TestErrorsAreTheStores(t *testing.T) {
	f, r := flakyRecords(t)
	f.failure = errors.New("store is down")
	if _, _, err := r.Get(t.Context(), "key", ""); !errors.Is(err, f.failure) {
		t.Error(err)
	}
	if _, err := r.Put(t.Context(), "key", nil, "", time.Time{}); !errors.Is(err, f.failure) {
		t.Error(err)
	}
	f.failure = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Put(ctx, "key", nil, "", time.Time{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestClosedCollectionIsNoConflict(t *testing.T) {
	coll := memory(t)
	r := docrecords.New(coll, docrecords.Options{})
	coll.Close()
	if _, err := r.Put(t.Context(), "key", nil, "", time.Time{}); err == nil || errors.Is(err, backends.ErrConflict) {
		t.Error(err)
	}
	if _, _, err := r.Get(t.Context(), "key", ""); err == nil {
		t.Error("no error")
	}
}

func TestForeignDocumentIsAnError(t *testing.T) {
	f, r := flakyRecords(t)
	mustPut(t, r, "1", "", time.Time{})
	for _, odd := range []map[string]any{{"value": 1}, {"writer": nil}, {docstore.DefaultRevisionField: nil}} {
		f.odd = odd
		if _, _, err := r.Get(t.Context(), "key", ""); err == nil {
			t.Errorf("a document with %v was taken for a record", odd)
		}
	}
}

func TestBadInputIsRefused(t *testing.T) {
	f, r := flakyRecords(t)
	for _, key := range []string{"", "\xff", strings.Repeat("x", 2049)} {
		if _, err := r.Put(t.Context(), key, nil, "", time.Time{}); !errors.Is(err, backends.ErrInvalid) {
			t.Errorf("Put of %.10q: %v", key, err)
		}
		if _, _, err := r.Get(t.Context(), key, ""); !errors.Is(err, backends.ErrInvalid) {
			t.Errorf("Get of %.10q: %v", key, err)
		}
	}
	if _, err := r.Put(t.Context(), "key", make([]byte, backends.MaxRecord+1), "", time.Time{}); !errors.Is(err, backends.ErrTooLarge) {
		t.Error(err)
	}
	for _, v := range []backends.Version{".", "a.b", "a.b.c.d", "MQ.?.?", "MQ.1.-"} {
		if _, err := r.Put(t.Context(), "key", nil, v, time.Time{}); !errors.Is(err, backends.ErrConflict) {
			t.Errorf("Put over %q: %v", v, err)
		}
	}
	if f.writes.Load()+f.gets.Load() != 0 {
		t.Error("the store was asked")
	}
}

func TestReservedKeyFieldPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	docrecords.New(memory(t), docrecords.Options{Key: "writer"})
}
