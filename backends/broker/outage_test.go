package broker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

var errOut = errors.New("the record store is out")

// outage is a record store that is gone for a while: it fails, or hangs.
type outage struct {
	broker.Records
	out   atomic.Bool
	hangs bool
}

func (o *outage) fails(ctx context.Context) error {
	if !o.out.Load() {
		return nil
	}
	if o.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return errOut
}

func (o *outage) Get(ctx context.Context, key string, hint backends.Version) ([]byte, backends.Version, error) {
	if err := o.fails(ctx); err != nil {
		return nil, "", err
	}
	return o.Records.Get(ctx, key, hint)
}

func (o *outage) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	if err := o.fails(ctx); err != nil {
		return "", err
	}
	return o.Records.Put(ctx, key, v, prev, expire)
}

// The broker holds the lease: it is renewed though the record can't be read, else an
// outage of the records would run again all that runs.
func TestRule_R8_LeaseOutlivesAnOutageOfTheRecords(t *testing.T) {
	for name, c := range map[string]struct {
		progress *backends.Progress
		hangs    bool
		want     error
	}{
		"silent":        {nil, false, errOut},
		"with progress": {&backends.Progress{Percent: 50}, false, errOut},
		"hangs":         {nil, true, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := opened(standardFacts(), true)
				records := &outage{Records: s.shelf, hangs: c.hangs}
				w := &world{T: t, setup: s, promised: map[backends.Ref]bool{}}
				w.Backend = broker.New(opening{s.pipe}, records, quiet())
				defer s.Close()
				defer w.Close()
				w.enqueue(w.Backend, plainJob("long"))
				req := backends.ClaimRequest{Queue: theQueue, Policy: thePolicy, Max: 1, Lease: 30 * time.Second, RunLimit: time.Hour}
				held, err := w.Claim(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				records.out.Store(true)
				for range 12 {
					time.Sleep(10 * time.Second)
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					errs, err := w.Extend(ctx, 30*time.Second, []backends.Beat{{Lease: held[0], Progress: c.progress}})
					cancel()
					if err != nil || len(errs) != 1 || !errors.Is(errs[0], c.want) {
						t.Fatalf("a beat came to %v, %v", errs, err)
					}
				}
				records.out.Store(false)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				if again, err := w.Claim(ctx, req); err == nil {
					t.Errorf("the job was given out again: attempt %d, %d crashes", again[0].Attempt, again[0].Crashes)
				}
				if err := w.commit(held[0]); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
