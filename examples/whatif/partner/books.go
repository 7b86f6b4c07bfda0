package partner

import (
	"slices"
	"sync"
	"time"

	"github.com/leat-go/leat/examples/whatif/optimiser"
)

// books are what a partner was promised, and what came of it.
type books struct {
	mu     sync.Mutex
	jobs   map[string]*entry
	early  map[string]*entry // ended before the 202 was read
	ends   map[string]int    // events, by state
	news   chan struct{}     // closed when something ends
	again  int               // requests that were told to come again
	faults int               // answers in the 500s
	others int               // jobs that a repeated request made anew
	wrong  int               // plans that answer another question
	before float64           // pounds, of all plans
	after  float64
}

// entry is one job.
type entry struct {
	question optimiser.Settings
	trails   bool // the screen is in that mode
	clicked  time.Time
	event    string // id of the first that told its end
	state    string // how it ended; "" = it has not
	wait     time.Duration
	doubled  bool // it ended twice
}

// entry returns the job of an id, promised or not yet.
func (b *books) entry(id string) *entry {
	if e := b.jobs[id]; e != nil {
		return e
	}
	e := b.early[id]
	if e == nil {
		if b.early == nil {
			b.early = map[string]*entry{}
		}
		e = &entry{}
		b.early[id] = e
	}
	return e
}

// promise enters a 202. The end may have been told before the answer was read.
func (b *books) promise(id string, s optimiser.Settings, trails bool, clicked time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobs[id] != nil { // two questions, one job
		b.wrong++
		return
	}
	e := b.entry(id)
	delete(b.early, id)
	e.question, e.trails, e.clicked = s, trails, clicked
	if e.state != "" {
		e.wait = time.Since(clicked)
	}
	if b.jobs == nil {
		b.jobs = map[string]*entry{}
	}
	b.jobs[id] = e
}

// end enters a ready event. The same event again says nothing new; another one of
// the same job does.
func (b *books) end(id, event, state string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(id)
	switch {
	case e.state != "" && e.event == "" && e.state == state: // it was asked for, before this came
		e.event = event
		b.wake()
		return
	case e.state != "":
		e.doubled = e.doubled || e.event != event
		return
	}
	e.event, e.state, e.wait = event, state, now.Sub(e.clicked)
	if b.ends == nil {
		b.ends = map[string]int{}
	}
	b.ends[state]++
	b.wake()
}

// wake tells who waits that something was told.
func (b *books) wake() {
	if b.news != nil {
		close(b.news)
		b.news = nil
	}
}

// untold enters an end that no event told.
func (b *books) untold(id, state string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.jobs[id].state = state
}

// plan enters what a job gave.
func (b *books) plan(id string, plan optimiser.Plan) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.jobs[id]
	var skus []string
	for _, d := range plan.Items {
		skus = append(skus, d.SKU)
		b.before += d.Before
		b.after += d.After
	}
	if plan.Screen != e.question.Screen || !slices.Equal(skus, e.question.SKUs()) {
		b.wrong++
	}
}

// open lists the jobs whose end no event has told, and a channel that is closed when
// one does.
func (b *books) open() (ids []string, news <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.news == nil {
		b.news = make(chan struct{})
	}
	return b.which(func(e *entry) bool { return e.state == "" || e.event == "" }), b.news
}

// ended reports whether all jobs have, as far as events or answers tell.
func (b *books) ended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.which(func(e *entry) bool { return e.state == "" })) == 0
}

func (b *books) succeeded() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.which(func(e *entry) bool { return e.state == "succeeded" })
}

// which lists some of the jobs.
func (b *books) which(are func(*entry) bool) []string {
	var ids []string
	for id, e := range b.jobs {
		if are(e) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (b *books) refused() { b.count(&b.again) }
func (b *books) failed()  { b.count(&b.faults) }
func (b *books) double()  { b.count(&b.others) }

func (b *books) count(n *int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*n++
}
