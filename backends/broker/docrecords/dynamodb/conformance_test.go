package dynamodb_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
)

func TestConformance(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		s := open(t, at)
		backendtest.Cells(t, func(*testing.T) backends.Cells { return s })
	})
}

// Two stores stand for two processes: they share nothing but the table. One in
// ten replies is lost after its effect.
func TestRow_E6_OneOfManyCreates(t *testing.T) {
	keys, _ := strconv.Atoi(os.Getenv("LEAT_KEYS"))
	if keys == 0 {
		keys = 25
	}
	everywhere(t, func(t *testing.T, at place) {
		var calls atomic.Int64
		lossy := at
		lossy.RoundTripper = wire(func(r *http.Request) (*http.Response, error) {
			if resp, err := at.RoundTrip(r); err != nil || operation(r) != "PutItem" || calls.Add(1)%10 != 0 {
				return resp, err
			} else {
				return lose(resp)
			}
		})
		processes := []*broker.RecordStore{open(t, lossy), open(t, lossy)}
		for range keys {
			oneWins(t, processes, uuid.NewString())
		}
	})
}

// oneWins has sixteen writers create a key.
func oneWins(t *testing.T, processes []*broker.RecordStore, key string) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	won := map[string]backends.Version{}
	for w := range 16 {
		wg.Go(func() {
			value := strconv.Itoa(w)
			v, err := processes[w%len(processes)].Put(t.Context(), key, []byte(value), "", time.Time{})
			if err == nil {
				mu.Lock()
				won[value] = v
				mu.Unlock()
			} else if !errors.Is(err, backends.ErrConflict) {
				t.Errorf("a loser got %v", err)
			}
		})
	}
	wg.Wait()
	for _, p := range processes {
		got, v, err := p.Get(t.Context(), key, "")
		if want, ok := won[string(got)]; err != nil || len(won) != 1 || !ok || v != want {
			t.Fatalf("%d won; got %q, version %q, error %v", len(won), got, v, err)
		}
	}
}

// lose drops a reply whose request took effect.
func lose(resp *http.Response) (*http.Response, error) {
	resp.Body.Close()
	return nil, io.ErrUnexpectedEOF
}

func TestOwnWriteIsASuccess(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		var losing atomic.Bool
		m := &meter{RoundTripper: at.RoundTripper, n: map[string]int{}}
		lossy := at
		lossy.RoundTripper = wire(func(r *http.Request) (*http.Response, error) {
			resp, err := m.RoundTrip(r)
			if err == nil && operation(r) == "PutItem" && losing.CompareAndSwap(true, false) {
				return lose(resp)
			}
			return resp, err
		})
		s := open(t, lossy)
		m.take()
		var last backends.Version
		for i, expire := range []time.Time{{}, time.Now().Add(-time.Second), {}} { // created, replaced, over what has expired
			if i == 2 {
				last = ""
			}
			losing.Store(true)
			v, err := s.Put(t.Context(), "key", []byte{byte(i)}, last, expire)
			if err != nil || losing.Load() {
				t.Fatalf("Put %d: version %q, error %v", i, v, err)
			}
			last = v
		}
		if got, v, err := s.Get(t.Context(), "key", ""); err != nil || string(got) != "\x02" || v != last {
			t.Fatalf("got %q, version %q, error %v; want version %q", got, v, err, last)
		}
	})
}

func TestCounts(t *testing.T) {
	everywhere(t, func(t *testing.T, at place) {
		m := &meter{RoundTripper: at.RoundTripper, n: map[string]int{}}
		at.RoundTripper = m
		s := open(t, at)
		expectCounts := func(what string, want map[string]int) {
			t.Helper()
			if diff := cmp.Diff(want, m.take()); diff != "" {
				t.Errorf("%s costs something else (-want +got):\n%s", what, diff)
			}
		}
		put := func(prev backends.Version) backends.Version {
			v, err := s.Put(t.Context(), "key", []byte("v"), prev, time.Now().Add(time.Hour))
			if err != nil && !errors.Is(err, backends.ErrConflict) {
				t.Fatal(err)
			}
			return v
		}
		m.take()
		v := put("")
		expectCounts("a create", map[string]int{"PutItem": 1})
		put(v)
		expectCounts("a replace", map[string]int{"PutItem": 1})
		if _, _, err := s.Get(t.Context(), "key", v); err != nil {
			t.Fatal(err)
		}
		expectCounts("a read", map[string]int{"BatchGetItem": 1})
		put(v)
		expectCounts("a conflict", map[string]int{"PutItem": 1, "BatchGetItem": 1})
	})
}

func TestReadsAreConsistent(t *testing.T) {
	at := inProcess("key")
	inner, reads := at.RoundTripper, 0
	at.RoundTripper = wire(func(r *http.Request) (*http.Response, error) {
		if operation(r) == "BatchGetItem" {
			body, err := io.ReadAll(r.Body)
			if err != nil || !strings.Contains(string(body), `"ConsistentRead":true`) {
				t.Errorf("read %s, error %v", body, err)
			}
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			reads++
		}
		return inner.RoundTrip(r)
	})
	if _, _, err := open(t, at).Get(t.Context(), "key", ""); err != nil || reads != 1 {
		t.Fatalf("%d reads, error %v", reads, err)
	}
}
