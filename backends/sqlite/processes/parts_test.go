//go:build unix

package processes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

// work is a process that works until it is told to stop.
func work(ctx context.Context, p Plan) error {
	q, err := open(p)
	if err != nil {
		return err
	}
	var done atomic.Int64
	w := worker.New(q.Queue, func(_ context.Context, j *queue.Job[Args]) (Result, error) {
		if p.Rich && j.Args.N%50 == 7 && j.Attempt == 1 {
			return Result{}, errors.New("once more")
		}
		done.Add(1)
		return right(j.Args.N), nil
	})
	w.Lease, w.Concurrency = p.Lease, p.Slots
	w.Backoff = func(int) time.Duration { return 20 * time.Millisecond }
	w.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	over := make(chan struct{})
	var tells sync.WaitGroup
	tells.Go(func() { tell(over, "did", &done) })
	err = w.Run(ctx)
	close(over)
	tells.Wait()
	return errors.Join(err, q.Close())
}

// tell says how far a count is, from time to time.
func tell(over chan struct{}, what string, count *atomic.Int64) {
	for {
		select {
		case <-over:
			say("%s %d", what, count.Load())
			return
		case <-time.After(10 * time.Millisecond):
			say("%s %d", what, count.Load())
		}
	}
}

// acks are the log of the producers: block, duplicates in it, and ids, a line for each
// block that was acknowledged.
type acks struct {
	blocks     map[int][]string
	duplicates int
	newest     int // block; -1 = none
}

func acksFile(folder string) string { return filepath.Join(folder, "acks") }

// readAcks reads the log. A line that a kill cut off is no acknowledgement.
func readAcks(folder string) (*acks, error) {
	a := &acks{blocks: map[int][]string{}, newest: -1}
	text, err := os.ReadFile(acksFile(folder))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		var block, duplicates int
		var ids string
		if n, _ := fmt.Sscanf(line, "%d %d %s end\n", &block, &duplicates, &ids); n != 3 || !strings.HasSuffix(line, " end\n") {
			continue
		}
		a.blocks[block] = strings.Split(ids, ",")
		a.duplicates += duplicates
		a.newest = max(a.newest, block)
	}
	return a, nil
}

// producers is how many calls of Enqueue a producer has under way.
const producers = 4

// produce enqueues blocks of jobs until enough are acknowledged, and goes on where the
// one before it was killed. What that one may have had under way is repeated, with the
// same keys, if the block's number is even, and left alone if it is odd.
func produce(ctx context.Context, p Plan) error {
	q, err := open(p)
	if err != nil {
		return err
	}
	before, err := readAcks(p.Folder)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(acksFile(p.Folder), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if _, err := log.WriteString("\n"); err != nil { // the last line may be half a one
		return err
	}
	blocks := make(chan int)
	var acked atomic.Int64
	acked.Store(int64(len(before.blocks)))
	want := int64(p.Jobs / p.Block)
	var failed error
	var all sync.WaitGroup
	var mu sync.Mutex
	for range producers {
		all.Go(func() {
			for block := range blocks {
				if err := enqueue(ctx, q, p, block, log); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
				acked.Add(1)
			}
		})
	}
	given := acked.Load()
	for block := 0; given < want; block++ {
		if _, there := before.blocks[block]; there || block <= before.newest+producers && block%2 == 1 && before.newest >= 0 {
			continue
		}
		blocks <- block
		given++
		say("acked %d", acked.Load()*int64(p.Block))
	}
	close(blocks)
	all.Wait()
	say("acked %d", acked.Load()*int64(p.Block))
	return errors.Join(failed, q.Close())
}

// enqueue enqueues a block, and writes down what was acknowledged.
func enqueue(ctx context.Context, q *opened, p Plan, block int, log *os.File) error {
	var items []queue.Item[Args]
	for n := block * p.Block; n < (block+1)*p.Block; n++ {
		options := []queue.Option{queue.Key(fmt.Sprint("job ", n))}
		if p.Rich {
			options = append(options, queue.Tenant(fmt.Sprint("tenant ", n%5)), queue.Priority(n%3))
		}
		if p.Rich && n%10 == 0 {
			options = append(options, queue.Delay(100*time.Millisecond))
		}
		items = append(items, queue.With(Args{N: n}, options...))
	}
	out, err := q.EnqueueAll(ctx, items)
	if err != nil {
		return err
	}
	duplicates, ids := 0, []string{}
	for i := range out {
		if out[i].Err != nil {
			return out[i].Err
		}
		if out[i].Duplicate {
			duplicates++
		}
		ids = append(ids, out[i].ID)
	}
	if slices.ContainsFunc(ids, func(id string) bool { return strings.ContainsAny(id, ", \n") }) {
		return fmt.Errorf("an id that the log can't hold: %q", ids)
	}
	_, err = fmt.Fprintf(log, "%d %d %s end\n", block, duplicates, strings.Join(ids, ","))
	return err
}
