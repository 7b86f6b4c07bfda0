package queue_test

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/queue"
)

func TestAHandlerSeesAllOfItsJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.View[settings, plan](newWhatIf(store()), "plan")
		q.Schema = 2
		start := time.Now()
		ticket := enqueue(t, q, ask, queue.Tenant("zeta"), queue.Priority(-3), queue.Trailing("screen-9"),
			queue.Uses("db"), queue.Header("from", "portal"), queue.Delay(time.Minute), queue.Expiry(time.Hour))
		job, a := claim(t, q)
		want := &queue.Job[settings]{
			Args: ask, Tenant: "zeta", ID: ticket.ID, Kind: "plan", Schema: 2,
			Attempt: 1, Crashes: 0, Token: 1, Generation: a.Lease.Generation, Order: ticket.Order,
			Priority: -3, Supersede: "screen-9", Resource: "db", Headers: map[string]string{"from": "portal"},
			Created: start, Due: start.Add(time.Minute), Deadline: start.Add(time.Hour),
		}
		if diff := cmp.Diff(want, job, cmpopts.IgnoreUnexported(queue.Job[settings]{}), cmpopts.EquateApproxTime(0)); diff != "" {
			t.Error(diff)
		}
		if job.Ref() != ticket.Ref {
			t.Errorf("Ref %v, want %v", job.Ref(), ticket.Ref)
		}

		time.Sleep(31 * time.Second)
		again, _ := claim(t, q)
		if again.Attempt != 2 || again.Crashes != 1 || again.Token != 2 || again.ID != job.ID {
			t.Errorf("after a crash: %+v", again)
		}
	})
}

// A test makes a job by hand; what it reports goes nowhere.
func TestTheZeroJobIsUsable(t *testing.T) {
	job := &queue.Job[settings]{Args: ask}
	job.Progress(40, "half")
	new(queue.Job[settings]).Progress(math.NaN(), "")
	if job.Ref() != (queue.Ref{}) {
		t.Errorf("Ref %v", job.Ref())
	}
}

func TestProgressNeverFalls(t *testing.T) {
	q := newWhatIf(store())
	enqueue(t, q, ask)
	job, a := claim(t, q)
	if p := a.Newest(); p != nil {
		t.Errorf("progress before the first: %+v", p)
	}
	for _, c := range []struct{ say, want float64 }{
		{math.NaN(), 0},
		{-5, 0},
		{math.Inf(-1), 0},
		{10, 10},
		{5, 10},
		{math.NaN(), 10},
		{10.5, 10.5},
		{-1, 10.5},
		{99.9, 99.9},
		{math.Inf(1), 100},
		{1e9, 100},
		{0, 100},
	} {
		job.Progress(c.say, "step")
		if p := a.Newest(); p.Percent != c.want || p.Text != "step" {
			t.Errorf("after %v: %+v, want %v", c.say, p, c.want)
		}
	}
}

// The highest wins, whoever says it.
func TestProgressFromManyGoroutines(t *testing.T) {
	q := newWhatIf(store())
	enqueue(t, q, ask)
	job, a := claim(t, q)
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for last := 0.0; ; {
			if p := a.Newest(); p != nil {
				if p.Percent < last {
					t.Errorf("fell from %v to %v", last, p.Percent)
				}
				last = p.Percent
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for n := range 1000 {
				job.Progress(float64(n+i)/10, "")
			}
		})
	}
	writers.Wait()
	close(stop)
	reader.Wait()
	if p := a.Newest(); p.Percent != 100 {
		t.Errorf("at the end %v", p.Percent)
	}
}
