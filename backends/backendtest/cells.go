package backendtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/leat-go/leat/backends"
)

// Cells holds a record store, which brokers keep records in, to the contract of
// backends.Cells; those of a Backend are held to it by Run. open may return the
// same store each time; the keys are fresh.
func Cells(t *testing.T, open func(t *testing.T) backends.Cells) {
	for _, c := range slices.Concat(cellCases, recordStoreCases) {
		t.Run(c.name, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("if this doesn't hold, %s", c.why)
				}
			})
			c.run(&cellEnv{T: t, Cells: open(t), unit: time.Second})
		})
	}
}

// cellCase is one page of the contract of Cells.
type cellCase struct {
	name, why string
	run       func(*cellEnv)
}

// cellEnv is what a cellCase works with.
type cellEnv struct {
	*testing.T
	backends.Cells
	unit time.Duration
}

// ofBackend are the same cases for the cells of a Backend, where it has any.
func ofBackend(cells []cellCase) []testCase {
	var cases []testCase
	for _, c := range cells {
		cases = append(cases, testCase{"R15", "Cells/" + c.name, c.why, nil, func(e *env) {
			if _, _, err := e.B.Cells().Get(e.Context(), "probe", ""); errors.Is(err, errors.ErrUnsupported) {
				e.Skipf("%s has no cells", e.f.Name)
			}
			c.run(&cellEnv{T: e.T, Cells: e.B.Cells(), unit: e.unit})
		}})
	}
	return cases
}

// put writes and expects that it is well.
func (e *cellEnv) put(key, value string, prev backends.Version) backends.Version {
	e.Helper()
	v, err := e.Put(e.Context(), key, []byte(value), prev, time.Time{})
	if err != nil || v == "" {
		e.Fatalf("Put: version %q, error %v", v, err)
	}
	return v
}

// expectCell expects a value and a version.
func (e *cellEnv) expectCell(key, hint, value string, version backends.Version) {
	e.Helper()
	got, v, err := e.Get(e.Context(), key, backends.Version(hint))
	if err != nil || string(got) != value || v != version {
		e.Fatalf("Get with hint %q: %q, version %q, error %v; want %q, version %q", hint, got, v, err, value, version)
	}
}

// expectPut expects how a write of any value fails.
func (e *cellEnv) expectPut(key string, prev backends.Version, want error) {
	e.Helper()
	if v, err := e.Put(e.Context(), key, []byte("another"), prev, time.Time{}); v != "" || !errors.Is(err, want) {
		e.Fatalf("Put of %.40q over %q: version %q, error %v; want %v", key, prev, v, err, want)
	}
}

// aKey is a fresh one.
func aKey() string { return uuid.NewString() }

var cellCases = []cellCase{
	{
		"MissingKeyIsEmpty", "a first start fails because there is nothing yet",
		func(e *cellEnv) {
			key := aKey()
			for _, hint := range []backends.Version{"", "1"} {
				v, version, err := e.Get(e.Context(), key, hint)
				if v != nil || version != "" || err != nil {
					e.Fatalf("got %q, version %q, error %v", v, version, err)
				}
			}
			e.expectPut(key, "1", backends.ErrConflict)
			e.expectCell(key, "", "", "")
		},
	},
	{
		"ReadsItsWrites", "a node fires a tick again right after it stored it",
		func(e *cellEnv) {
			key, last := aKey(), backends.Version("")
			for i, value := range []string{"1", "", "a\x00b\xff", strings.Repeat("x", backends.MaxCell), "1"} {
				v := e.put(key, value, last)
				if v == last {
					e.Fatalf("write %d left the version as it was", i)
				}
				e.expectCell(key, "", value, v)
				e.expectCell(key, "", value, v)
				last = v
			}
		},
	},
	{
		"StaleVersionConflicts", "two nodes overwrite each other, and a tick fires twice",
		func(e *cellEnv) {
			key := aKey()
			v1 := e.put(key, "1", "")
			e.expectPut(key, "", backends.ErrConflict)
			v2 := e.put(key, "2", v1)
			for _, stale := range []backends.Version{"", v1, v2 + "0", "nonsense"} {
				e.expectPut(key, stale, backends.ErrConflict)
			}
			e.expectCell(key, "", "2", v2)
			v3 := e.put(key, "1", v2) // the old value is not the old version
			if v3 == v1 {
				e.Fatal("a version came back")
			}
			e.expectPut(key, v1, backends.ErrConflict)
		},
	},
	{
		"OneOfManyCreates", "two processes sign with two instance keys, and one job becomes two",
		func(e *cellEnv) {
			const keys, writers = 50, 16
			for range keys {
				key, winner, won := aKey(), "", backends.Version("")
				var wins atomic.Int32
				var wg sync.WaitGroup
				start := make(chan struct{})
				for w := range writers {
					wg.Go(func() {
						<-start
						value := strconv.Itoa(w)
						v, err := e.Put(e.Context(), key, []byte(value), "", time.Time{})
						switch {
						case err == nil:
							if wins.Add(1) == 1 {
								winner, won = value, v
							}
						case !errors.Is(err, backends.ErrConflict) || v != "":
							e.Errorf("a loser got version %q, error %v", v, err)
						}
					})
				}
				close(start)
				wg.Wait()
				if wins.Load() != 1 {
					e.Fatalf("%d of %d writers created the key", wins.Load(), writers)
				}
				e.expectCell(key, "", winner, won)
			}
		},
	},
	{
		"NoUpdateIsLost", "of two nodes that raise a counter, one is forgotten",
		func(e *cellEnv) {
			const writers, each = 8, 10
			key := aKey()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for range each {
						if err := e.increment(key); err != nil {
							e.Errorf("increment: %v", err)
							return
						}
					}
				})
			}
			wg.Wait()
			got, _, err := e.Get(e.Context(), key, "")
			if want := strconv.Itoa(writers * each); err != nil || string(got) != want {
				e.Fatalf("got %q, error %v; want %s", got, err, want)
			}
		},
	},
	{
		"HintNeverChangesTheAnswer", "a node that knows an old version reads an old value",
		func(e *cellEnv) {
			key := aKey()
			v1 := e.put(key, "1", "")
			e.expectCell(key, string(v1), "1", v1)
			v2 := e.put(key, "2", v1)
			for _, hint := range []backends.Version{"", v1, v2, "nonsense", backends.Version(strings.Repeat("9", 300))} {
				e.expectCell(key, string(hint), "2", v2)
			}
		},
	},
	{
		"ExpiredIsAbsent", "a pause mark, or a lock of a dead node, stays for ever",
		func(e *cellEnv) {
			key := aKey()
			v, err := e.Put(e.Context(), key, []byte("gone"), "", time.Now().Add(-time.Hour))
			if err != nil {
				e.Fatalf("Put: %v", err)
			}
			e.expectCell(key, "", "", "")
			e.expectCell(key, string(v), "", "")
			e.expectPut(key, v, backends.ErrConflict)
			next := e.put(key, "next", "")
			if next == v {
				e.Fatal("a version came back")
			}
			e.expectPut(key, v, backends.ErrConflict)
			e.expectCell(key, "", "next", next)
		},
	},
	{
		"FarExpiriesAreKept", "a lock with an expiry of another century is gone at once, or stays for ever",
		func(e *cellEnv) {
			for year, want := range map[int]string{1: "", 1000: "", 1600: "", 1969: "", 2250: "here", 2500: "here", 9999: "here"} {
				key := aKey()
				if _, err := e.Put(e.Context(), key, []byte("here"), "", time.Date(year, 1, 1, 0, 0, 0, 1, time.UTC)); err != nil {
					e.Fatalf("Put: %v", err)
				}
				if got, _, err := e.Get(e.Context(), key, ""); string(got) != want || err != nil {
					e.Errorf("a value that goes in the year %d is %q now, error %v", year, got, err)
				}
			}
		},
	},
	{
		"ExpiryIsKept", "a value goes before its time, or long after",
		func(e *cellEnv) {
			short, long := aKey(), aKey()
			for key, d := range map[string]time.Duration{short: 2 * e.unit, long: time.Hour} {
				if _, err := e.Put(e.Context(), key, []byte("here"), "", time.Now().Add(d)); err != nil {
					e.Fatalf("Put: %v", err)
				}
			}
			present := func(key string) bool {
				e.Helper()
				got, _, err := e.Get(e.Context(), key, "")
				if err != nil {
					e.Fatalf("Get: %v", err)
				}
				return bytes.Equal(got, []byte("here"))
			}
			if !present(short) || !present(long) {
				e.Fatal("gone before its time")
			}
			<-time.After(4 * e.unit)
			if present(short) || !present(long) {
				e.Fatalf("short: %v, long: %v", present(short), present(long))
			}
			e.put(short, "anew", "")
		},
	},
	{
		"LaterWriteMovesTheExpiry", "a lock that its holder renews goes at its first time",
		func(e *cellEnv) {
			key := aKey()
			v, err := e.Put(e.Context(), key, []byte("1"), "", time.Now().Add(2*e.unit))
			if err != nil {
				e.Fatalf("Put: %v", err)
			}
			v = e.put(key, "2", v) // never
			<-time.After(4 * e.unit)
			e.expectCell(key, "", "2", v)
		},
	},
	{
		"KeysAreKeptApart", "two keys that a file system or a URL takes for one share a value",
		func(e *cellEnv) {
			base, versions := aKey(), map[string]backends.Version{}
			keys := []string{
				base, base + "/", base + "//", base + "/.", base + "/..", base + " ", base + "A", base + "a", base + "%41", base + "\n",
				base + "é", base + "e\u0301", base + "🚰", base + "\uFFFE", base + "_", base + strings.Repeat("x", backends.MaxName-len(base)),
			}
			for i, key := range keys {
				versions[key] = e.put(key, fmt.Sprint(i), "")
			}
			for i, key := range keys {
				e.expectCell(key, "", fmt.Sprint(i), versions[key])
			}
		},
	},
	{
		"CallerKeepsItsBytes", "a node that reuses its buffer changes what was stored",
		func(e *cellEnv) {
			key, mine := aKey(), []byte("mine")
			v, err := e.Put(e.Context(), key, mine, "", time.Time{})
			if err != nil {
				e.Fatalf("Put: %v", err)
			}
			copy(mine, "else")
			e.expectCell(key, "", "mine", v)
			got, _, err := e.Get(e.Context(), key, "")
			if err != nil {
				e.Fatalf("Get: %v", err)
			}
			copy(got, "else")
			e.expectCell(key, "", "mine", v)
		},
	},
}

// boundCases hold for the cells of a Backend alone: a record store takes more.
var boundCases = []cellCase{
	{
		"BadKeysAreRefused", "a key that one store takes breaks another",
		func(e *cellEnv) {
			for _, key := range badNames(true) {
				e.expectPut(key, "", backends.ErrInvalid)
				if _, _, err := e.Get(e.Context(), key, ""); !errors.Is(err, backends.ErrInvalid) {
					e.Fatalf("Get of %.40q: error %v", key, err)
				}
			}
		},
	},
	{
		"TooLargeIsRefused", "a value that one store takes breaks another",
		func(e *cellEnv) {
			key := aKey()
			v := e.put(key, "1", "")
			got, err := e.Put(e.Context(), key, make([]byte, backends.MaxCell+1), v, time.Time{})
			if got != "" || !errors.Is(err, backends.ErrTooLarge) {
				e.Fatalf("version %q, error %v", got, err)
			}
			e.expectCell(key, "", "1", v)
		},
	},
}

// recordStoreCases hold for what brokers keep records in.
var recordStoreCases = []cellCase{
	{
		"LargestRecordIsTaken", "a job with many errors, or a dead letter, can't be written any more",
		func(e *cellEnv) {
			key, value := aKey(), strings.Repeat("x", backends.MaxRecord)
			v := e.put(key, value, "")
			e.expectCell(key, "", value, v)
			e.expectCell(key, string(v), value, v)
		},
	},
}

// increment raises a counter by one, however often it must try.
func (e *cellEnv) increment(key string) error {
	for {
		old, version, err := e.Get(e.Context(), key, "")
		if err != nil {
			return err
		}
		n := 0
		if version != "" {
			if n, err = strconv.Atoi(string(old)); err != nil {
				return err
			}
		}
		_, err = e.Put(e.Context(), key, []byte(strconv.Itoa(n+1)), version, time.Time{})
		if !errors.Is(err, backends.ErrConflict) {
			return err
		}
	}
}
