//go:build unix

package processes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

const (
	loadGrowth  = 64 << 20 // most bytes of memory that a backlog may cost
	loadGoodput = 0.9      // of that with a small backlog; half is enough at the short size, which is over too soon to tell
	loadRounds  = 6        // of which the best counts: other programs use the machine too
)

// TestBacklog_D1: LEAT_BACKLOG jobs of 1 KiB that wait lie on the disk, and not in memory, and those
// that run don't wait for them.
func TestBacklog_D1(t *testing.T) {
	if testing.Short() {
		t.Skip("a row of load: the race detector's memory is not the store's")
	}
	if _, err := resident(); err != nil {
		t.Skip("no figures of memory: ", err)
	}
	p := Plan{
		Part: "load", Name: "load", Folder: t.TempDir(), Lease: time.Minute, Slots: 64,
		Backlog: plant.Size("LEAT_BACKLOG", 0, 20_000), Sample: plant.Size("LEAT_SAMPLE", 0, 2000),
	}
	var said []string
	pr := start(t, p, func(line string) { said = append(said, line) })
	<-pr.ended
	var growth, peak int64
	var few, many float64
	if _, err := fmt.Sscan(strings.Join(said, " "), &growth, &peak, &few, &many); err != nil || pr.err != nil {
		t.Fatalf("%v, %v: %q", err, pr.err, said)
	}
	t.Logf("%d jobs wait: %.1f MiB more of memory, at most %.1f; %.0f jobs/s, without them %.0f: %.2f",
		p.Backlog, mib(growth), mib(peak), many, few, many/few)
	if peak > loadGrowth {
		t.Errorf("memory grew by %.1f MiB", mib(peak))
	}
	least := 0.5
	if p.Backlog >= 100_000 {
		least = loadGoodput
	}
	if many < least*few {
		t.Errorf("goodput fell to %.2f", many/few)
	}
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// load is the process that has the backlog, and a store beside it that has none: rounds
// of both in turn, so that other programs of the machine disturb both.
func load(ctx context.Context, p Plan) error {
	b, err := open(p)
	if err != nil {
		return err
	}
	beside := p
	beside.Folder = filepath.Join(p.Folder, "beside")
	if err := os.Mkdir(beside.Folder, 0o700); err != nil {
		return err
	}
	empty, err := open(beside)
	if err != nil {
		return err
	}
	for _, s := range []*opened{empty, b} { // what a store needs at all
		if _, err := s.round(ctx, p); err != nil {
			return err
		}
	}
	before, err := resident()
	if err != nil {
		return err
	}
	var peak int64
	for n := 0; n < p.Backlog; n += 1000 {
		if err := b.fill(ctx, n, min(n+1000, p.Backlog)); err != nil {
			return err
		}
		now, _ := resident()
		peak = max(peak, now)
	}
	after, _ := resident()
	few, many := 0.0, 0.0
	for range loadRounds {
		without, err1 := empty.round(ctx, p)
		with, err2 := b.round(ctx, p)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		few, many = max(few, without), max(many, with)
	}
	say("%d %d %f %f", after-before, peak-before, few, many)
	return errors.Join(b.Close(), empty.Close())
}

func (b *opened) fill(ctx context.Context, from, to int) error {
	ballast := strings.Repeat("x", 1000)
	var items []queue.Item[Args]
	for n := from; n < to; n++ {
		items = append(items, queue.With(Args{N: n, Ballast: ballast}))
	}
	out, err := b.EnqueueAll(ctx, items)
	for _, o := range out {
		err = errors.Join(err, o.Err)
	}
	return err
}

// round adds jobs, and works as many; it returns how many a second.
func (b *opened) round(ctx context.Context, p Plan) (float64, error) {
	for n := 0; n < p.Sample; n += 1000 {
		if err := b.fill(ctx, n, min(n+1000, p.Sample)); err != nil {
			return 0, err
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var done atomic.Int64
	var took time.Duration
	began := time.Now()
	w := worker.New(b.Queue, func(_ context.Context, j *queue.Job[Args]) (Result, error) {
		if done.Add(1) == int64(p.Sample) {
			took = time.Since(began)
			stop()
		}
		return right(j.Args.N), nil
	})
	w.Lease, w.Concurrency = p.Lease, p.Slots
	err := w.Run(ctx)
	return float64(p.Sample) / took.Seconds(), err
}

// resident is the memory of this process, in bytes.
func resident() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			return kib << 10, nil
		}
	}
	return 0, errors.New("no VmRSS in /proc/self/status")
}
