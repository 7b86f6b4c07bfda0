package portal

import (
	"fmt"
	"math"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// problem is why a question has no answer, in the words of the endpoint.
type problem struct {
	Title, Detail string
	Newer         string // id of the job that took its place
}

var titles = map[queue.State]string{
	queue.Dead:       "The job failed.",
	queue.Cancelled:  "The job was cancelled.",
	queue.Superseded: "A newer job took the place of this one.",
	queue.Expired:    "The job was not done before its deadline.",
}

func problemOf(s *result.Status) *problem {
	title, failed := titles[s.State]
	if !failed {
		return nil
	}
	detail := s.Reason
	if n := len(s.Failures); n > 0 && s.State == queue.Dead { // the reason is the library's, the failure the planner's
		detail = s.Failures[n-1].Text
	}
	return &problem{title, detail, s.SupersededBy.ID}
}

// pounds writes an amount of money.
func pounds(p float64) string {
	n := int64(math.Round(math.Abs(p)))
	s := fmt.Sprint(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	if p < 0 && n > 0 {
		return "−£" + s
	}
	return "£" + s
}
