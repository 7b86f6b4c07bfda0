package memrecords_test

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	_ "github.com/leat-go/leat/backends/broker/docrecords/memrecords"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, url string) *broker.RecordStore {
	t.Helper()
	s, err := broker.OpenRecords(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func expect(t *testing.T, s *broker.RecordStore, want string) {
	t.Helper()
	if got, _, err := s.Get(t.Context(), "key", ""); string(got) != want || err != nil {
		t.Fatalf("got %q, error %v; want %q", got, err, want)
	}
}

func TestOneNameIsOneStoreWhileItIsOpen(t *testing.T) {
	a, b := open(t, "memrecords://name"), open(t, "memrecords://name")
	if _, err := a.Put(t.Context(), "key", []byte("v"), "", time.Time{}); err != nil {
		t.Fatal(err)
	}
	expect(t, b, "v")
	expect(t, open(t, "memrecords://other"), "")
	a.Close()
	a.Close() // counts once
	expect(t, b, "v")
	b.Close()
	expect(t, open(t, "memrecords://name"), "")
}

func TestWithoutANameEachHasItsOwn(t *testing.T) {
	a, b := open(t, "memrecords://"), open(t, "memrecords://")
	if _, err := a.Put(t.Context(), "key", []byte("v"), "", time.Time{}); err != nil {
		t.Fatal(err)
	}
	expect(t, b, "")
}

func TestBadURLsAreRefused(t *testing.T) {
	for _, url := range []string{"memrecords://name/more", "memrecords://name?x=1", "memrecords://me@name"} {
		if _, err := broker.OpenRecords(t.Context(), url); !errors.Is(err, backends.ErrInvalid) {
			t.Errorf("%s: %v", url, err)
		}
	}
}
