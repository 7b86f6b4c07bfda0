package broker

import "sync"

// watchers wakes those of this process who wait for a record to change.
type watchers struct {
	mu   sync.Mutex
	keys map[string]*watcher
}

type watcher struct {
	changed chan struct{}
	waiting int
}

// watch returns what is closed at the next change, and how to leave.
func (w *watchers) watch(key string) (changed <-chan struct{}, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keys == nil {
		w.keys = map[string]*watcher{}
	}
	x := w.keys[key]
	if x == nil {
		x = &watcher{changed: make(chan struct{})}
		w.keys[key] = x
	}
	x.waiting++
	return x.changed, func() { w.leave(key, x) }
}

func (w *watchers) leave(key string, x *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if x.waiting--; x.waiting == 0 && w.keys[key] == x {
		delete(w.keys, key)
	}
}

// tell wakes all who watch a key.
func (w *watchers) tell(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if x := w.keys[key]; x != nil {
		delete(w.keys, key)
		close(x.changed)
	}
}
