package sqlite

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// hub knows who is blocked in this process, and wakes them after a commit. Nobody
// polls for what this process writes.
type hub struct {
	mu      sync.Mutex
	claims  map[string][]*waiter // by queue, first come first served
	blocked int                  // claims and lookups

	busy chan struct{} // signalled when somebody blocks who wasn't before
}

func newHub() *hub {
	return &hub{claims: map[string][]*waiter{}, busy: make(chan struct{}, 1)}
}

// waiter is one Claim that may block.
type waiter struct {
	asking
	queue  string
	signal chan struct{} // buffered: look again
	woken  bool          // signalled since it last looked
	alarm  int64         // when it looks again by itself
}

func (w *waiter) wake() {
	w.woken = true
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// join adds a waiter before its first look, so that nothing comes between the look
// and the wait.
func (h *hub) join(queue string, a asking) *waiter {
	w := &waiter{asking: a, queue: queue, signal: make(chan struct{}, 1), alarm: never}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.claims[queue] = append(h.claims[queue], w)
	return w
}

// quit takes a waiter out. A wake that it didn't use goes to the next, and so does the
// care for the time.
func (h *hub) quit(w *waiter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.claims[w.queue]
	i := slices.Index(all, w)
	all = slices.Delete(all, i, i+1)
	h.claims[w.queue] = all
	if len(all) == 0 {
		delete(h.claims, w.queue)
		return
	}
	if i == 0 || w.woken {
		all[min(i, len(all)-1)].wake()
	}
}

// looks says that the waiter looks in this transaction, under the lock, and so sees all
// that it was woken for. A look that fails was none: whoever leaves then passes the wake on.
func (t *txn) looks(w *waiter) {
	h := t.store.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if !w.woken {
		return
	}
	w.woken = false
	select {
	case <-w.signal:
	default:
	}
	t.redo = append(t.redo, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		w.wake()
	})
}

// publish wakes those whom the news of a commit concerns.
func (b *store) publish(t *txn) {
	b.hub.publish(t.news)
	b.looks.Tell(t.changed...)
}

func (h *hub) publish(all map[*queue]*news) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for q, n := range all {
		h.tell(h.claims[q.name], n)
	}
}

func (h *hub) tell(waiters []*waiter, n *news) {
	if len(waiters) == 0 {
		return
	}
	if n.all {
		for _, w := range waiters {
			w.wake()
		}
		return
	}
	if first := waiters[0]; n.next < first.alarm {
		first.alarm = n.next
		first.wake()
	}
	for _, l := range n.lines {
		for _, w := range waiters {
			if !w.woken && w.wants(l) {
				w.wake()
				break
			}
		}
	}
}

// foreign is called when another process has written. All claims look again; for all
// lookups there is one glance.
func (b *store) foreign() {
	b.hub.wakeAll()
	poke(b.behind)
}

// everybody looks again: what they believe of the time or the file may be wrong.
func (b *store) everybody() {
	b.hub.wakeAll()
	b.looks.TellAll()
}

func (h *hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, waiters := range h.claims {
		for _, w := range waiters {
			w.wake()
		}
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// block counts those who are blocked, for whom other processes are watched.
func (h *hub) block(by int) {
	h.mu.Lock()
	h.blocked += by
	h.mu.Unlock()
	if by > 0 {
		poke(h.busy)
	}
}

func (h *hub) anybody() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.blocked > 0
}

// sleep blocks until the waiter should look again; alarm is a time of the store, and
// now the one of its last look.
func (b *Backend) sleep(ctx context.Context, w *waiter, now, alarm int64) error {
	b.hub.mu.Lock()
	if !w.woken {
		w.alarm = alarm
	}
	b.hub.mu.Unlock()
	err := b.await(ctx, w.signal, alarm-now, alarm != never)
	b.hub.mu.Lock()
	w.alarm = never
	b.hub.mu.Unlock()
	return err
}

// await blocks until signal, for a span at most if there is a timer.
func (b *Backend) await(ctx context.Context, signal <-chan struct{}, span int64, timed bool) error {
	b.hub.block(1)
	defer b.hub.block(-1)
	var timer <-chan time.Time
	if timed {
		t := time.NewTimer(time.Duration(max(0, span)))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-signal:
	case <-timer:
	case <-ctx.Done():
		return ctx.Err()
	case <-b.done:
		return backends.ErrClosed
	}
	return nil
}
