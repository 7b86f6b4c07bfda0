package worker_test

import (
	"testing"
	"time"
)

// Ended jobs that owe an event, far more than a worker takes on at a time, and no job to
// run: as soon as the topic is near, more of them are asked for.
func TestRule_R6_ABacklogOfEventsLeavesAsFastAsTheTopicTakesIt(t *testing.T) {
	const n = 5000
	play(t, func(s *scene) {
		to := s.withTopic()
		to.delay = 100 * time.Millisecond
		for _, ref := range s.enqueueAll(n) {
			match(s, s.q.Cancel(s.Context(), ref), nil)
		}
		s.start(s.worker(answer))
		pass(10 * time.Second)
		if got := len(to.delivered()); got != n {
			t.Errorf("%d of %d events have left", got, n)
		}
		s.owes(0)
	})
}
