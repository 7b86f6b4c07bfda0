package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/leat-go/leat/internal/seam"
)

// Sweeper clears a Bucket of what nobody needs any more: objects whose keys
// begin with a day that is over. It is a Runner, to be given to worker.Run
// beside the workers. Several may sweep one bucket: they do the same work twice,
// and no harm. A lifecycle rule of the bucket does as well.
//
//	2026-12-06/…   removed
//	2026-12-07/…   removed
//	2026-12-08/…   yesterday: stays, for a clock that is behind, or a reader that is slow
//	2026-12-09/…   today, in UTC
//	2026-12-10/…
//	backup/…       no day: never touched
//
// The fields are for before Run or Sweep, not for meanwhile.
type Sweeper struct {
	Bucket Bucket
	Every  time.Duration // 0 = 1 h; one round in ten of it later or earlier, so that many don't sweep at once
	Logger *slog.Logger  // nil = slog.Default()
}

// Bounds of one round.
const (
	sweepers    = 8  // objects deleted at a time: object stores answer in tens of milliseconds
	sweepErrors = 10 // told of; the others are counted
)

// Run sweeps until ctx ends, and then returns nil. What goes wrong in a round is
// logged, and tried again in the next.
func (s *Sweeper) Run(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	every := cmp.Or(s.Every, time.Hour)
	log := cmp.Or(s.Logger, slog.Default())
	wait := rand.N(every/10 + 1) // soon: some programs never live for an hour
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		removed, err := s.Sweep(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			log.WarnContext(ctx, "leat: the bucket could not be swept", "removed", removed, "error", err)
		case removed > 0:
			log.InfoContext(ctx, "leat: swept the bucket", "removed", removed)
		}
		wait = every - every/10 + rand.N(every/5+1)
	}
}

// Sweep does one round, and returns how many objects it has removed. One that
// can't be deleted doesn't keep the others; err has the first few of such errors.
func (s *Sweeper) Sweep(ctx context.Context) (removed int, err error) {
	if err := s.check(); err != nil {
		return 0, err
	}
	now := sweep{bucket: s.Bucket, keys: make(chan string)}
	var all sync.WaitGroup
	for range sweepers {
		all.Go(func() { now.remove(ctx) })
	}
	err = now.find(ctx, firstKept(time.Now()))
	close(now.keys)
	all.Wait()
	return now.removed, errors.Join(err, now.failed())
}

func (s *Sweeper) check() error {
	switch {
	case s.Bucket == nil:
		return &InvalidError{Field: "Sweeper.Bucket", Reason: "is missing"}
	case s.Every < 0:
		return &InvalidError{Field: "Sweeper.Every", Reason: "must not be negative"}
	}
	return nil
}

// firstKept is the first day that stays, at now.
func firstKept(now time.Time) string { return seam.Day(now.UTC().AddDate(0, 0, -1)) }

// over reports whether key begins with a day before kept.
func over(key, kept string) bool {
	first, _, ok := strings.Cut(key, "/")
	if !ok || first >= kept {
		return false
	}
	_, err := time.Parse(time.DateOnly, first)
	return err == nil
}

// sweep is one round on its way.
type sweep struct {
	bucket Bucket
	keys   chan string

	mu      sync.Mutex
	removed int
	errs    []error
	more    int // errors that errs has no room for
}

// find sends the keys that are over. Keys are listed in ascending order, and a
// day before the first one that stays is below it in that order too.
func (s *sweep) find(ctx context.Context, kept string) error {
	for key, err := range s.bucket.List(ctx, "") {
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		if key >= kept {
			return nil
		}
		if !over(key, kept) {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s.keys <- key:
		}
	}
	return nil
}

func (s *sweep) remove(ctx context.Context) {
	for key := range s.keys {
		err := s.bucket.Delete(ctx, key)
		s.mu.Lock()
		switch {
		case err == nil:
			s.removed++
		case len(s.errs) < sweepErrors:
			s.errs = append(s.errs, fmt.Errorf("delete %s: %w", key, err))
		default:
			s.more++
		}
		s.mu.Unlock()
	}
}

func (s *sweep) failed() error {
	if s.more > 0 {
		s.errs = append(s.errs, fmt.Errorf("delete: %d more errors", s.more))
	}
	return errors.Join(s.errs...)
}
