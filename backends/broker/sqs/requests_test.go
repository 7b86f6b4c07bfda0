package sqs_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// What a job costs in requests, all of them counted: the send, the receives, the
// deletions, what opening asks.
func TestRequestsPerJob(t *testing.T) {
	for _, c := range []struct {
		name    string
		queue   string
		took    time.Duration
		records bool
		limit   float64
	}{
		{"instant jobs", "jobs", 0, true, 0.32},
		{"jobs of 200 ms", "jobs", 200 * time.Millisecond, true, 0.50},
		{"instant jobs without records", "jobs", 0, false, 0.40},
		{"jobs of 200 ms without records", "jobs", 200 * time.Millisecond, false, 0.50},
		{"FIFO, instant jobs", "jobs.fifo", 0, true, 2.20},
		{"FIFO, jobs of 200 ms", "jobs.fifo", 200 * time.Millisecond, true, 2.20},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 1000
				p := newPair(t, c.queue, c.records)
				p.server.Latency = 5 * time.Millisecond
				w := newWorks(p, c.took)
				defer w.close()
				w.enqueue(n)
				stop := w.start()
				w.drained(time.Minute)
				stop()
				w.once(n)
				counts := p.server.Requests()
				per := float64(counts[""]) / n
				t.Logf("%.3f requests per job: %v", per, counts)
				if per > c.limit {
					t.Errorf("%.3f requests per job, want at most %.2f", per, c.limit)
				}
			})
		})
	}
}

func TestRequestsOfAnIdleWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, "jobs", true)
		p.server.Queue("jobs-dead", nil)
		p.server.Queue("jobs", map[string]string{ // which is drained every five minutes
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:jobs-dead","maxReceiveCount":1000}`,
		})
		p.server.Latency = 5 * time.Millisecond
		w := newWorks(p, 0)
		defer w.close()
		stop := w.start()
		const span = 2 * time.Hour
		<-time.After(span)
		per := float64(p.server.Requests()[""]) / span.Seconds()
		stop()
		t.Logf("%.4f requests/s: %v", per, p.server.Requests())
		if per > 0.06 {
			t.Errorf("%.4f requests/s, want at most 0.06", per)
		}
	})
}

// A job that comes to an idle queue runs as soon as it is there.
func TestPickupOnAnIdleQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, "jobs", true)
		p.server.Latency = 2 * time.Millisecond
		w := newWorks(p, 0)
		defer w.close()
		defer w.start()()
		<-time.After(time.Minute)
		w.enqueue(1)
		<-time.After(10 * time.Millisecond)
		w.once(1)
	})
}
