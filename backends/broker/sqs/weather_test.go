package sqs_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

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
