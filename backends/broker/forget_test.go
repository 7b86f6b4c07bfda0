package broker_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
)

// A lease that was lost is forgotten by who held it, however he learns it: else each one
// leaves its message in the memory of a process that lives for months.
func TestLostLeaseIsForgotten(t *testing.T) {
	for name, learn := range map[string]func(w *world, l *backends.Lease) error{
		"by a beat": func(w *world, l *backends.Lease) error {
			errs, err := w.Extend(w.Context(), time.Minute, []backends.Beat{{Lease: l}})
			return errors.Join(append(errs, err)...)
		},
		"by its commit": func(w *world, l *backends.Lease) error { return w.commit(l) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{T: t, setup: opened(standardFacts(), true), promised: map[backends.Ref]bool{}}
				defer w.Close()
				other := w.again()
				defer other.Close()
				w.enqueue(w.Backend, plainJob("slow"))
				req := backends.ClaimRequest{Queue: theQueue, Policy: thePolicy, Max: 1, Lease: time.Minute}
				lost, err := w.Claim(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if _, err := other.Claim(t.Context(), req); err != nil {
					t.Fatal(err)
				}
				if err := learn(w, lost[0]); !errors.Is(err, backends.ErrLost) {
					t.Fatal(err)
				}
				if n := w.Remembered(); n != 0 {
					t.Errorf("%d leases are remembered", n)
				}
			})
		})
	}
}
