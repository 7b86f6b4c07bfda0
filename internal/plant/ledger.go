package plant

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
)

// ledger stands right before the store, behind all faults, and writes down what the
// store was asked and what it answered.
type ledger struct {
	backends.Backend
	w     *Witness
	calls atomic.Int64
}

func (l *ledger) Unwrap() backends.Backend { return l.Backend }

func (l *ledger) Enqueue(ctx context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	l.calls.Add(1)
	for i := range req.Jobs {
		l.w.sent(&req.Jobs[i])
	}
	return l.Backend.Enqueue(ctx, req)
}

func (l *ledger) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	l.calls.Add(1)
	leases, err := l.Backend.Claim(ctx, req)
	for _, lease := range leases {
		l.w.claimed(lease)
	}
	return leases, err
}

func (l *ledger) Extend(ctx context.Context, d time.Duration, beats []backends.Beat) ([]error, error) {
	l.calls.Add(1)
	stale := make([]bool, len(beats))
	for i, b := range beats {
		stale[i] = l.w.isStale(b.Lease)
	}
	errs, err := l.Backend.Extend(ctx, d, beats)
	if err == nil {
		for i, b := range beats {
			if stale[i] {
				l.w.refusal("extend", b.Lease, item(errs, i))
			}
			if stale[i] && b.Progress != nil {
				l.w.refusedProgress()
			}
		}
	}
	return errs, err
}

func (l *ledger) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	l.calls.Add(1)
	stale := make([]bool, len(ss))
	for i, s := range ss {
		stale[i] = l.w.isStale(s.Lease)
	}
	errs, err := l.Backend.Settle(ctx, ss)
	if err == nil {
		for i, s := range ss {
			if stale[i] {
				l.w.refusal("settle", s.Lease, item(errs, i))
			}
			l.w.settled(s, item(errs, i))
		}
	}
	return errs, err
}

func (l *ledger) Lookup(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, error) {
	l.calls.Add(1)
	return l.Backend.Lookup(ctx, ref, since)
}

// item is the outcome of one of several.
func item(errs []error, i int) error {
	if errs == nil {
		return nil
	}
	return errs[i]
}

// The number of a job travels as a header, too: a payload may lie in a bucket.
const numberHeader = "n"

func numbered(a Args) queue.Option { return queue.Header(numberHeader, strconv.Itoa(a.N)) }

// Number is that of a job, as stored; -1 = it is none of the plant.
func Number(j *backends.Job) int {
	n, err := strconv.Atoi(j.Headers[numberHeader])
	if err != nil {
		return -1
	}
	return n
}

// memoryStore is a store in memory whose complaints about itself fail the test.
func memoryStore(t *testing.T) backends.Backend {
	return memory.New(memory.Options{Logger: slog.New(complaints{slog.DiscardHandler, t}), Keep: 1 << 30})
}

type complaints struct {
	slog.Handler
	t *testing.T
}

func (complaints) Enabled(context.Context, slog.Level) bool { return true }

func (c complaints) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "a bug") {
		c.t.Error(r.Message)
	}
	return nil
}

// isLost is what a stale lease must be told.
func isLost(err error) bool { return errors.Is(err, backends.ErrLost) }
