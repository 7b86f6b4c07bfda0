package portal

import (
	"sync"

	"github.com/leat-go/leat/queue"
)

// Ready is what a partner is told when a question of theirs has ended.
type Ready struct {
	Event  string `json:"event"` // id of the event: the same one if it is told twice
	Job    string `json:"job"`
	Screen string `json:"screen"`
	State  string `json:"state"`           // succeeded, superseded, cancelled, expired or dead
	Newer  string `json:"newer,omitempty"` // the job that took its place
}

// inbox keeps the ready events of all partners, in the order they came. Topics
// deliver at least once: an event whose id was seen is forgotten.
//
// It grows with the events; a portal that runs for years would drop those of last
// week, whose records the queue has dropped, too.
type inbox struct {
	mu       sync.Mutex
	seen     map[string]bool
	partners map[string]*mail
}

type mail struct {
	events []Ready
	more   chan struct{} // closed when there are
}

// add takes an event in, and reports whether it is new.
func (in *inbox) add(e queue.Event) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.seen[e.ID] {
		return false
	}
	if in.seen == nil {
		in.seen = map[string]bool{}
	}
	in.seen[e.ID] = true
	m := in.mail(e.Ref.Tenant)
	m.events = append(m.events, Ready{e.ID, e.Ref.ID, e.Supersede, e.State.String(), e.SupersededBy})
	close(m.more)
	m.more = make(chan struct{})
	return true
}

// after returns a partner's events but the first n, and a channel that is closed
// when there are more.
func (in *inbox) after(partner string, n int) ([]Ready, <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	m := in.mail(partner)
	return m.events[min(n, len(m.events)):], m.more
}

// size returns the number of events.
func (in *inbox) size() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.seen)
}

func (in *inbox) mail(partner string) *mail {
	m := in.partners[partner]
	if m == nil {
		if in.partners == nil {
			in.partners = map[string]*mail{}
		}
		m = &mail{more: make(chan struct{})}
		in.partners[partner] = m
	}
	return m
}
