package schedule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/leat-go/leat/backends"
)

// cell is where a schedule keeps its mark: all that its nodes share. It stays, some
// 200 bytes, when the schedule has gone.
type cell struct {
	cells backends.Cells
	key   string
}

// mark is what a cell holds.
type mark struct {
	Rhythm string    `json:"rhythm,omitempty"` // of whoever wrote Last
	Last   time.Time `json:"last"`             // only later ticks fire
	Local  string    `json:"local,omitempty"`
	Paused bool      `json:"paused,omitempty"`

	Tenant string `json:"tenant,omitempty"` // of the newest job, and its id
	Job    string `json:"job,omitempty"`

	Fired   int `json:"fired,omitempty"`
	Missed  int `json:"missed,omitempty"`
	Skipped int `json:"skipped,omitempty"`
	Failed  int `json:"failed,omitempty"`
}

// cellKey is readable and, of the digest, unambiguous.
func cellKey(queue, name string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", len(queue), queue, name))
	return "leat/schedule/" + name + "/" + hex.EncodeToString(sum[:8])
}

func (c cell) read(ctx context.Context) (mark, backends.Version, error) {
	var m mark
	b, version, err := c.cells.Get(ctx, c.key, "")
	if err != nil || version == "" {
		return m, "", err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, "", fmt.Errorf("%w cell %s: %w", backends.ErrInvalid, c.key, err)
	}
	return m, version, nil
}

// tries bounds the writes of one change: nobody loses so often against nodes that
// each change the cell once in a while.
const tries = 16

// change lets f change the mark, until that is written or f says that there is
// nothing to write. A write whose reply is lost is read again, and f finds it done.
func (c cell) change(ctx context.Context, f func(*mark) bool) (mark, error) {
	for n := 1; ; n++ {
		m, err := c.try(ctx, f)
		if err == nil || n == tries || pointless(err) {
			return m, err
		}
		if !sleep(ctx, rand.N(min(10*time.Millisecond<<n, time.Second))) {
			return m, err
		}
	}
}

func (c cell) try(ctx context.Context, f func(*mark) bool) (mark, error) {
	m, version, err := c.read(ctx)
	if err != nil || !f(&m) {
		return m, err
	}
	b, err := json.Marshal(m)
	if err != nil {
		return m, fmt.Errorf("%w: %w", backends.ErrInvalid, err)
	}
	_, err = c.cells.Put(ctx, c.key, b, version, time.Time{})
	return m, err
}

// pointless reports whether asking again is.
func pointless(err error) bool {
	for _, sure := range [...]error{errors.ErrUnsupported, backends.ErrClosed, backends.ErrInvalid, backends.ErrTooLarge} {
		if errors.Is(err, sure) {
			return true
		}
	}
	return false
}

// sleep reports whether d has passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}
