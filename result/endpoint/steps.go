package endpoint

import (
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// step is one of the four that people see on the way of a job: a list to show as it is.
type step struct {
	Name  string `json:"name"`  // "accepted", "queued", "running", and "done" or how it ended else
	State string `json:"state"` // "done", "current", "ahead"; the last may have "failed"
}

// stepsOf is the way of a job. Between two attempts it is queued again. What never ran
// has no step that says so.
func stepsOf(s *result.Status) []step {
	steps := []step{{"accepted", "done"}, {"queued", "current"}, {"running", "ahead"}, {"done", "ahead"}}
	switch {
	case s.State == queue.Running:
		steps[1].State, steps[2].State = "done", "current"
	case s.State.Ended():
		steps[1].State, steps[2].State, steps[3].State = "done", "done", "done"
		if s.State.Failed() {
			steps[3] = step{endOf(s.State), "failed"}
		}
		if s.Attempt == 0 {
			steps = append(steps[:2], steps[3])
		}
	}
	return steps
}

// endOf is a bad end, in the word that its caller would use.
func endOf(s queue.State) string {
	if s == queue.Dead {
		return "failed"
	}
	return s.String()
}
