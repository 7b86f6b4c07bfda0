package webhook

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// answer is what counts of a receiver's response.
type answer struct {
	status     int
	retryAfter time.Duration // 0 = it didn't say
}

func answered(r *http.Response) answer {
	return answer{r.StatusCode, retryAfter(r.Header.Get("Retry-After"), time.Now())}
}

// retryAfter reads seconds or a date; what is neither, or past, is 0.
func retryAfter(text string, now time.Time) time.Duration {
	if digits(text) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n > int64(math.MaxInt64/time.Second) {
			return math.MaxInt64
		}
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// judge turns an answer into the handler's verdict.
func (s *Sender) judge(ctx context.Context, job *queue.Job[Delivery], host string, a answer) error {
	failed := &Failure{Host: host, Status: a.status}
	switch {
	case a.status/100 == 2:
		return nil
	case a.status == http.StatusGone:
		if err := s.gone(ctx, job.Tenant, job.Args.Target); err != nil {
			return err
		}
		return worker.Permanent(failed)
	case a.retryAfter > 0:
		return worker.RetryAfter(s.wait(job.Attempt, a.retryAfter), failed)
	}
	return failed
}

// wait is what a receiver asked for, where that is longer than the backoff: a
// receiver that says "at once" to everything would use its attempts up at once.
func (s *Sender) wait(attempt int, asked time.Duration) time.Duration {
	return max(Backoff(attempt), min(asked, cmp.Or(s.MaxRetryAfter, DefaultMaxRetryAfter)))
}
