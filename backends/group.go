package backends

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Group is group commit: whoever comes first commits, and the next leader
// commits for all who arrived meanwhile. There is no timer, so a lone caller
// never waits, and no goroutine: each commit runs in its leader's.
//
// The zero value with Commit set is ready. It is safe for concurrent use and
// must not be copied.
type Group[T, R any] struct {
	// Commit writes items and returns an outcome for each. Its context has the
	// leader's values but not its cancellation: one caller's end never cancels
	// the others.
	Commit func(ctx context.Context, items []T) ([]R, error)

	Max     int           // most items of one commit; 0 = 1024. A larger call goes alone
	Timeout time.Duration // of one commit; 0 = 30 s

	mu      sync.Mutex
	busy    bool // somebody commits
	crowd   bool // the last commit was for several
	waiting []*member[T, R]
}

// errFellOver is what those get whose leader panicked: their outcome is unknown.
var errFellOver = errors.New("group commit: the writer fell over")

// member is one call of Do.
type member[T, R any] struct {
	items []T
	out   []R
	err   error
	lead  chan bool // true: lead the next commit; false: done
}

// Do commits items, together with those of others, and returns their outcomes.
// The caller must not change items before it returns. If ctx ends while the
// items still wait they are withdrawn; if it ends while another caller's commit
// carries them, Do returns ctx's error and their outcome is unknown. A leader
// sees its commit through.
func (g *Group[T, R]) Do(ctx context.Context, items ...T) ([]R, error) {
	if len(items) == 0 {
		return nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := &member[T, R]{items: items}
	if g.join(m) {
		return g.leadWith(ctx, m)
	}
	select {
	case lead := <-m.lead:
		if lead {
			return g.leadWith(ctx, m)
		}
		return m.out, m.err
	case <-ctx.Done():
		return g.leave(ctx, m)
	}
}

// join reports whether m leads at once; else it waits in the line.
func (g *Group[T, R]) join(m *member[T, R]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.busy {
		g.busy = true
		return true
	}
	m.lead = make(chan bool, 1)
	g.waiting = append(g.waiting, m)
	return false
}

// leave takes m out of the line. If it was chosen meanwhile it leads on, or
// hands over what it got.
func (g *Group[T, R]) leave(ctx context.Context, m *member[T, R]) ([]R, error) {
	g.mu.Lock()
	i := slices.Index(g.waiting, m)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	g.mu.Unlock()
	if i >= 0 {
		return nil, ctx.Err()
	}
	select {
	case lead := <-m.lead:
		if lead {
			g.handOver()
			return nil, ctx.Err()
		}
		return m.out, m.err
	default: // another caller's commit carries it
		return nil, ctx.Err()
	}
}

// leadWith commits for m and for whoever waits, then passes the lead on.
func (g *Group[T, R]) leadWith(ctx context.Context, m *member[T, R]) ([]R, error) {
	g.letIn()
	batch, items := g.gather(m)
	defer g.handOver()
	defer func() {
		for _, w := range batch[1:] {
			w.lead <- false
		}
	}()
	g.commit(ctx, batch, items)
	return m.out, m.err
}

// letIn lets those run whom the last commit set free.
func (g *Group[T, R]) letIn() {
	g.mu.Lock()
	crowd := g.crowd
	g.mu.Unlock()
	if crowd {
		runtime.Gosched()
	}
}

// gather takes from the line what fits beside m. It copies the items while their
// callers still stand in the line: they may leave, and reuse their slices.
func (g *Group[T, R]) gather(m *member[T, R]) ([]*member[T, R], []T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := g.Max
	orDefault(&limit, 1024)
	batch, items, n := []*member[T, R]{m}, slices.Clip(m.items), 0
	for n < len(g.waiting) && len(items)+len(g.waiting[n].items) <= limit {
		items = append(items, g.waiting[n].items...)
		batch = append(batch, g.waiting[n])
		n++
	}
	g.waiting = slices.Clone(g.waiting[n:])
	g.crowd = n > 0
	return batch, items
}

func (g *Group[T, R]) commit(ctx context.Context, batch []*member[T, R], items []T) {
	timeout := g.Timeout
	orDefault(&timeout, 30*time.Second)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()

	for _, m := range batch { // stands if Commit panics
		m.err = errFellOver
	}
	out, err := g.Commit(ctx, items)
	if err == nil && len(out) != len(items) {
		err = fmt.Errorf("group commit: %d outcomes for %d items", len(out), len(items))
	}
	for _, m := range batch {
		m.err = err
		if err == nil {
			m.out, out = out[:len(m.items):len(m.items)], out[len(m.items):]
		}
	}
}

// handOver makes the first of the line the next leader.
func (g *Group[T, R]) handOver() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.busy = false
		return
	}
	next := g.waiting[0]
	g.waiting = slices.Clone(g.waiting[1:])
	next.lead <- true
}
