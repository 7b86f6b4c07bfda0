package memory_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
)

func openURL(t *testing.T, url string) backends.Backend {
	t.Helper()
	b, err := backends.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func enqueueOne(t *testing.T, b backends.Backend, id string) error {
	t.Helper()
	_, err := b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "q", Jobs: []backends.Job{{Ref: backends.Ref{ID: id}}}})
	return err
}

// A producer and a worker of one process that open the same URL must meet.
func TestOpen_OneNameIsOneStore(t *testing.T) {
	producer, worker, other := openURL(t, "memory://shop?queue=q"), openURL(t, "memory://shop?queue=q"), openURL(t, "memory://else")
	defer worker.Close()
	defer other.Close()
	if err := enqueueOne(t, producer, "1"); err != nil {
		t.Fatal(err)
	}
	if err := producer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := enqueueOne(t, producer, "2"); !errors.Is(err, backends.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	leases, err := worker.Claim(t.Context(), backends.ClaimRequest{Queue: "q", Max: 9, Lease: time.Minute})
	if err != nil || len(leases) != 1 {
		t.Errorf("the other opening got %d leases, %v", len(leases), err)
	}
	if _, err := other.Lookup(t.Context(), backends.Ref{ID: "1"}, 0); !errors.Is(err, backends.ErrNotFound) {
		t.Errorf("another name shows the job: %v", err)
	}
}

func TestOpen_GoneWithTheLastHolder(t *testing.T) {
	for range 2 {
		b := openURL(t, "memory://brief")
		if _, err := b.Lookup(t.Context(), backends.Ref{ID: "1"}, 0); !errors.Is(err, backends.ErrNotFound) {
			t.Fatalf("an earlier holder's job is still there: %v", err)
		}
		if err := enqueueOne(t, b, "1"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(b.Close(), b.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpen_BadURL(t *testing.T) {
	for _, url := range []string{
		"memory://shop?colour=red", "memory://user:canary@shop", "memory://shop:80", "memory://shop?queue=a&queue=b", "memory://%zz",
	} {
		b, err := backends.Open(t.Context(), url)
		if b != nil || !errors.Is(err, backends.ErrInvalid) {
			t.Errorf("%s: %v, %v", url, b, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}

// Two openings are as two processes: each is closed alone.
func TestAgain(t *testing.T) {
	a := memory.New(memory.Options{})
	b := a.Again()
	if err := enqueueOne(t, a, "1"); err != nil {
		t.Fatal(err)
	}
	a.Close()
	defer b.Close()
	if _, err := b.Lookup(t.Context(), backends.Ref{ID: "1"}, 0); err != nil {
		t.Error(err)
	}
}
