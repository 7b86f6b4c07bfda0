package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// size is LEAT_BATCHES, or n.
func size(n int) int {
	if m, err := strconv.Atoi(os.Getenv("LEAT_BATCHES")); err == nil {
		return m
	}
	return n
}

// TestRow_E3_ManyBatchesInAStorm: splitters break off and start again, calls of the store fail
// before and after their effect, handlers fail, panic and are done again, workers stop in the
// middle: each batch is collated once, with all its parts.
func TestRow_E3_ManyBatchesInAStorm(t *testing.T) {
	for seed := range uint64(size(60)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			in(t, func(t *testing.T, s *scene) {
				rnd := rand.New(rand.NewPCG(seed, 3))
				n := rnd.IntN(40)
				if rnd.IntN(5) == 0 {
					n = rnd.IntN(1200)
				}
				s.root.MaxCrashes = 1000
				s.batch.Slices, s.batch.Collate = queue.View[page, double](s.root, "page"), queue.View[night, report](s.root, "report")
				chance := rand.New(rand.NewPCG(seed, 4))
				s.handle = func(_ context.Context, job *queue.Job[page]) (double, error) {
					s.mu.Lock()
					luck := chance.IntN(20)
					s.mu.Unlock()
					switch {
					case luck == 0 && job.Attempt < 4:
						return double{}, errTorn
					case luck == 1 && job.Attempt < 4:
						panic("torn")
					case luck == 2 && job.Attempt < 4:
						return double{}, worker.Snooze(time.Second)
					}
					return double{2 * job.Args.N}, nil
				}
				for verb, share := range map[backendtest.Verb]float64{
					backendtest.Enqueue: 0.2, backendtest.Claim: 0.05, backendtest.Settle: 0.05, backendtest.Lookup: 0.05,
				} {
					for i, when := range []backendtest.Moment{backendtest.Before, backendtest.After} {
						s.store.Inject(backendtest.Fault{Verb: verb, When: when, Rate: backendtest.Share(share, seed*10+uint64(i))})
					}
				}
				over := make(chan struct{})
				go func() { // workers that stop and start
					defer close(over)
					for range 20 {
						stop := s.work()
						time.Sleep(time.Duration(1+s.number(chance, 20)) * time.Second)
						stop()
					}
				}()
				ref := s.splitAgain(rnd, n)
				<-over
				s.store.Lift()
				stop := s.work()
				r := s.ended(ref)
				stop()
				var got report
				if err := json.Unmarshal(r.Result, &got); err != nil || r.State != backends.Succeeded {
					t.Fatalf("%v %s: %v", r.State, r.Reason, err)
				}
				if got.Parts != n || got.Failed == 0 && got.Sum != sum(n) {
					t.Errorf("%+v of %d", got, n)
				}
				if r.Batch.Members != n || r.Batch.Ended != n && got.Failed == 0 {
					t.Errorf("counted %+v of %d", r.Batch, n)
				}
			})
		})
	}
}

func (s *scene) number(r *rand.Rand, n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return r.IntN(n)
}

// splitAgain starts until it has been said that there are no more.
func (s *scene) splitAgain(rnd *rand.Rand, n int) queue.Ref {
	s.Helper()
	for range 200 {
		slices := upTo(n)
		if broken := rnd.IntN(n + 1); rnd.IntN(3) == 0 {
			slices = breaking(broken)
		}
		t, err := s.batch.Start(s.Context(), night{"2026-12-09"}, slices, queue.Key("night"))
		switch {
		case err == nil:
			return t.Ref
		case !errors.Is(err, errTorn) && !errors.Is(err, backendtest.ErrInjected):
			s.Fatal(err)
		}
		time.Sleep(time.Second)
	}
	s.Fatal("never split")
	return queue.Ref{}
}
