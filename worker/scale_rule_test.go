package worker

import (
	"testing"
	"time"

	"github.com/leat-go/leat/queue"
)

// Little's law: what is in the system is what comes per second, times how long it stays.
func TestScaleDesired(t *testing.T) {
	type counts = queue.Stats
	usual := &Scale{Slots: 10, Takes: 2 * time.Second, Drain: time.Minute}
	for _, c := range []struct {
		name string
		s    *Scale
		st   counts
		cap  queue.Cap
		want int
	}{
		{"nothing to do", usual, counts{}, queue.Cap{}, 0},
		{"one job", usual, counts{Queued: 1}, queue.Cap{}, 1},
		{"300 jobs of 2 s in a minute take 10 slots", usual, counts{Queued: 300}, queue.Cap{}, 1},
		{"one job more, and a slot more", usual, counts{Queued: 301}, queue.Cap{}, 2},
		{"what runs is to be done, too", usual, counts{Queued: 290, Running: 11}, queue.Cap{}, 2},
		{"what runs keeps its replicas", usual, counts{Running: 95}, queue.Cap{}, 10},
		{"it doesn't add up while new ones start", usual, counts{Queued: 3000, Running: 50}, queue.Cap{}, 11},
		{"not more slots than jobs, if a job takes longer than Drain", &Scale{Slots: 10, Takes: time.Hour, Drain: time.Minute}, counts{Queued: 25}, queue.Cap{}, 3},
		{"what is scheduled or held can wait", usual, counts{Scheduled: 1000, Held: 1000, Owing: 9}, queue.Cap{}, 0},
		{"not more than the cap lets run", usual, counts{Queued: 100_000}, queue.Cap{InFlight: 25}, 3},
		{"nor than the rate keeps busy", usual, counts{Queued: 100_000}, queue.Cap{Rate: 7}, 2},
		{"a rate of next to nothing needs one", usual, counts{Queued: 100_000}, queue.Cap{Rate: 0.001}, 1},
		{"a cap that was lowered takes no slot from what runs", usual, counts{Queued: 5, Running: 40}, queue.Cap{InFlight: 10}, 4},
		{"a paused queue needs those that work", usual, counts{Queued: 100_000, Running: 11, Paused: true}, queue.Cap{}, 2},
		{"and no other", usual, counts{Queued: 100_000, Paused: true}, queue.Cap{}, 0},
		{"the defaults: a second each, a minute for all", &Scale{Slots: 1}, counts{Queued: 120}, queue.Cap{}, 2},
		{"what makes no sense is the default", &Scale{Slots: 1, Takes: -1, Drain: -1}, counts{Queued: 120}, queue.Cap{}, 2},
	} {
		if got := c.s.desired(c.st, c.cap); got != c.want {
			t.Errorf("%s: %d replicas, want %d", c.name, got, c.want)
		}
	}
}
