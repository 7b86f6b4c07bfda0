package sqs_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
)

// A fifth of all requests fail, and some take effect without an answer: no job is
// lost, none runs twice.
func TestThrottling(t *testing.T) {
	for _, c := range []struct {
		name, queue string
		n           int
		faults      []sqstest.Fault
	}{
		{"a fifth answers 503", "jobs", 10_000, []sqstest.Fault{sqstest.Unavailable}},
		{"503, throttled and without an answer", "jobs", 2_000, []sqstest.Fault{sqstest.Unavailable, sqstest.Throttled, sqstest.DropReply}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, c.queue, true)
				p.server.Latency = 5 * time.Millisecond
				w := newWorks(p, 0)
				defer w.close()
				p.server.Fault = func(string) sqstest.Fault {
					if rand.N(5) > 0 {
						return sqstest.None
					}
					return c.faults[rand.N(len(c.faults))]
				}
				stop := w.start()
				w.enqueueInTheEnd(c.n)
				w.drained(time.Hour)
				stop()
				w.once(c.n)
				t.Log(p.server.Requests())
			})
		})
	}
}

// Too many messages in flight is no error: the worker waits, and goes on.
func TestOverLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, "jobs", true)
		begun := time.Now()
		w := newWorks(p, 0)
		defer w.close()
		p.server.Fault = func(action string) sqstest.Fault {
			if action == "ReceiveMessage" && time.Since(begun) < 10*time.Minute {
				return sqstest.OverLimit
			}
			return sqstest.None
		}
		w.enqueue(10)
		stop := w.start()
		<-time.After(10 * time.Minute)
		if n := p.server.Requests()["ReceiveMessage"]; n > 60 {
			t.Errorf("%d receives in ten minutes", n)
		}
		w.drained(2 * time.Minute)
		stop()
		w.once(10)
	})
}

// outage is a record store that is gone for a while.
type outage struct {
	broker.Records
	down atomic.Bool
}

var errDown = errors.New("the table is gone")

func (o *outage) Get(ctx context.Context, key string, hint backends.Version) ([]byte, backends.Version, error) {
	if o.down.Load() {
		return nil, "", errDown
	}
	return o.Records.Get(ctx, key, hint)
}

func (o *outage) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	if o.down.Load() {
		return "", errDown
	}
	return o.Records.Put(ctx, key, v, prev, expire)
}

// The table, or the queue, is gone for five seconds and more, in the middle: no job is lost,
// none runs twice, and the worker's health turns red and green again.
func TestOutages(t *testing.T) {
	for _, of := range []string{"table", "queue"} {
		t.Run(of, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 10_000
				p := newPair(t, "jobs", true)
				p.server.Latency = 5 * time.Millisecond
				records := &outage{Records: p.shelf}
				p.shelf = records
				var gone atomic.Bool
				p.server.Fault = func(string) sqstest.Fault {
					if gone.Load() {
						return sqstest.Unavailable
					}
					return sqstest.None
				}
				w := newWorks(p, 20*time.Millisecond)
				defer w.close()
				w.enqueue(n)
				stop := w.start()
				<-time.After(3 * time.Second)
				begun := w.done()
				if of == "table" {
					records.down.Store(true)
				} else {
					gone.Store(true)
				}
				// Five seconds, or until the worker has found out: it may be busy with what it
				// had begun, and then it takes three leases (R17). What SQS refuses the SDK repeats.
				red := of == "queue"
				for i := 0; i < 50 || !red && i < 1200; i++ {
					<-time.After(100 * time.Millisecond)
					red = red || !w.health().Ready()
				}
				if !red {
					t.Error("health was never red while nothing could be written")
				}
				records.down.Store(false)
				gone.Store(false)
				if begun == 0 || begun == n || w.done() == n {
					t.Fatalf("%d of %d had begun before, %d after: the test tests nothing", begun, n, w.done())
				}
				w.drained(time.Hour)
				<-time.After(2 * time.Minute)
				if h := w.health(); w.Health() != nil || !h.Ready() {
					t.Errorf("health stays red: %v, %q", w.Health(), h.Problems)
				}
				stop()
				w.once(n)
			})
		})
	}
}
