package portal

import (
	"math"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// step is one of those that a question takes: accepted, queued, running unless it ended
// before, and its end.
type step struct{ Name, State string } // State is done, current, ahead or failed

// steps are those of a job as it stands, as the endpoint's JSON has them.
func steps(s *result.Status) []step {
	all := []step{{"accepted", "done"}, {"queued", "done"}, {"running", "done"}, {"done", "ahead"}}
	switch {
	case s.State == queue.Waiting:
		all[1].State, all[2].State = "current", "ahead"
	case s.State == queue.Running:
		all[2].State = "current"
	case s.State == queue.Succeeded:
		all[3].State = "done"
	default:
		all[3] = step{end(s.State), "failed"}
		if s.Attempt == 0 {
			all = append(all[:2], all[3])
		}
	}
	return all
}

func end(s queue.State) string {
	if s == queue.Dead {
		return "failed"
	}
	return s.String()
}

// Word is how it stands, for a person: the name of the end, or the phase.
func (r row) Word() string {
	if r.State.Ended() {
		all := steps(r.Status)
		return all[len(all)-1].Name
	}
	return r.Phase()
}

// Percent is how far it is, for a person.
func (r row) Percent() int { return int(math.Round(r.Progress.Percent)) }

// Live reports whether there is something to come.
func (r row) Live() bool { return !r.State.Ended() }

// Running reports whether a worker has it.
func (r row) Running() bool { return r.State == queue.Running }
