package feature

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/examples/whatif/demand"
	"github.com/leat-go/leat/examples/whatif/optimiser"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/filebucket"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func change(partner, screen string, order int64) Change {
	return Change{
		Partner: partner, Screen: screen, Job: fmt.Sprintf("%s/%s ☃ %d", partner, screen, order), Order: order, At: noon,
		Settings: optimiser.Settings{Screen: screen, Lead: optimiser.Lead{Weeks: 0.1 + float64(order)}},
	}
}

func newStore(t *testing.T) (Store, queue.Bucket) {
	t.Helper()
	bucket, err := filebucket.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bucket.Close() })
	return Store{NewMemory(series()), NewBucket(bucket)}, bucket
}

func series() []demand.Series {
	return []demand.Series{
		{Partner: "eta", SKU: "1", Name: "one", Price: 2, Returned: 5, Weekly: []int{10, 10}},
		{Partner: "zeta", SKU: "2", Price: 1, Returned: 9, Weekly: []int{1}},
		{Partner: "zeta", SKU: "3", Price: 1, Weekly: []int{0}},
	}
}

// Delivered often, in any order and at once, both sides end the same.
func TestBothSidesAgreeHoweverChangesCome(t *testing.T) {
	s, _ := newStore(t)
	var all sync.WaitGroup
	for range 3 {
		for order := range int64(20) {
			for _, screen := range []string{"a", "b/../c"} {
				all.Go(func() {
					if err := s.Accept(t.Context(), change("zeta", screen, order)); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	all.Wait()
	day, err := s.Day(t.Context(), noon)
	if err != nil || len(day) != 40 {
		t.Fatalf("%d changes, %v; each once is 40", len(day), err)
	}
	online, err := s.Newest(t.Context())
	if err != nil || len(online) != 2 || online[0].Order != 19 || online[1].Screen != "b/../c" {
		t.Errorf("%+v %v", online, err)
	}
	if differ := Differ(Newest(day), online); differ != nil {
		t.Errorf("differ: %q", differ)
	}
}

func TestDifferNamesTheScreens(t *testing.T) {
	a := []Change{change("zeta", "a", 1), change("zeta", "b", 1), change("zeta", "c", 1)}
	b := []Change{change("zeta", "a", 1), change("zeta", "b", 2), change("eta", "d", 1)}
	b[0].Plan.Items = []optimiser.Decision{{After: 1e-300}}
	if got := Differ(a, b); !slices.Equal(got, []string{"eta/d", "zeta/a", "zeta/b", "zeta/c"}) {
		t.Errorf("%q", got)
	}
}

// A change belongs to the day on which it was asked, in UTC, whenever it is written.
func TestAChangeHasOneDay(t *testing.T) {
	s, _ := newStore(t)
	c := change("zeta", "a", 1)
	c.At = time.Date(2026, 11, 27, 0, 30, 0, 0, time.FixedZone("", 3600)) // 23:30 UTC the day before
	for range 2 {
		if err := s.Append(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for day, want := range map[int]int{25: 0, 26: 1, 27: 0} {
		if got, err := s.Day(t.Context(), time.Date(2026, 11, day, 5, 0, 0, 0, time.UTC)); err != nil || len(got) != want {
			t.Errorf("day %d: %d changes, %v", day, len(got), err)
		}
	}
}

func TestATornObjectIsNamed(t *testing.T) {
	s, bucket := newStore(t)
	key := "offline/2026-11-26/ab-1.json"
	if err := bucket.Write(t.Context(), key, []byte(`{"partner":"ze`)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Day(t.Context(), noon); err == nil || !strings.Contains(err.Error(), key) {
		t.Errorf("%v", err)
	}
}

func TestVectors(t *testing.T) {
	m := NewMemory(series())
	v, err := m.Vectors(t.Context(), "eta", []string{"1"})
	if err != nil || v[0].Returned != 0.25 || v[0].Name != "one" || v[0].Borrowed {
		t.Errorf("%+v %v", v, err)
	}
	if v, err := m.Vectors(t.Context(), "theta", []string{"3", "2"}); err != nil || !v[0].Borrowed || v[1].Returned != 1 {
		t.Errorf("borrowed from the largest: %+v %v", v, err)
	}
	if _, err := m.Vectors(t.Context(), "eta", []string{"1", "2"}); !errors.Is(err, optimiser.ErrNoHistory) || !strings.Contains(err.Error(), `"2"`) {
		t.Errorf("%v", err)
	}
	if skus, borrowed := m.Catalogue("zeta"); borrowed || !slices.Equal(skus, []string{"2", "3"}) {
		t.Errorf("%q %v", skus, borrowed)
	}
}

func TestABucketThatFailsIsAskedAgain(t *testing.T) {
	s, bucket := newStore(t)
	bucket.(*filebucket.Bucket).Close()
	if err := s.Accept(t.Context(), change("zeta", "a", 1)); err == nil {
		t.Error("accepted, and not kept")
	}
	if online, _ := s.Newest(t.Context()); len(online) != 0 {
		t.Errorf("online before it is safe offline: %+v", online)
	}
}
