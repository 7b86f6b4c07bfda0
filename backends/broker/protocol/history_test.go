package protocol

import (
	"strings"
	"time"
)

// history is the observer of a run: it sees every write, event and acknowledgement, and is asked by nobody in the protocol.
type history struct {
	*world
	all        []*known          // every life of every record, in order of creation
	jobs       map[string]*known // the present ones
	endings    map[life]*ending
	foreign    []int
	removed    map[string]bool  // dead-lettered by the broker: an end as well
	revivals   map[string]int64 // acknowledged redrives: the generation that must be passed
	violations []violation
	crashes    int64 // counted at steals
	innocent   int64 // of those, while the former worker was well and at work
	crashed    int64 // jobs dead by crashes
}

// life is one generation of one job.
type life struct {
	id         string
	generation int64
}

// known is what is known of one record, from its creation to the end of its retention.
type known struct {
	last    record
	acked   instant
	sent    bool
	revived bool
	endings []*ending
	claim   struct {
		began instant // when its worker got the message
		at    instant // when it was last claimed from waiting
		stole bool
		by    *process
		late  bool // a newer one was running already
	}
}

// ending is what is known of one generation's end.
type ending struct {
	event
	ends, events, writeBacks int
}

type event struct {
	life
	order   int64
	state   state
	outcome int
	madeBy  int
}

func (r record) event() event {
	return event{life{r.id, r.generation}, r.order, r.state, r.outcome, r.madeBy}
}

func newHistory(w *world) *history {
	return &history{world: w, jobs: map[string]*known{}, endings: map[life]*ending{}, revivals: map[string]int64{}, removed: map[string]bool{}}
}

// wrote sees every record write that took effect.
func (h *history) wrote(p *process, old, new record) {
	h.tracef(p, new.id, "writes %v → %v", old, new)
	if err := legal(old, new, h.now); err != nil {
		h.violate(illegal, new.id, "%v", err)
	}
	begins := old.state == none || newLife(old, new)
	if begins {
		if strings.HasPrefix(new.id, "foreign") && h.jobs[new.id] != nil {
			h.violate(duplicated, new.id, "the same foreign message became a job twice")
		}
		h.jobs[new.id] = &known{acked: never}
		h.all = append(h.all, h.jobs[new.id])
	}
	k := h.jobs[new.id]
	if new.state == running && new.token > old.token {
		k.claim.began, k.claim.stole = p.began, old.state == running
		if !k.claim.stole {
			k.claim.at = h.now
		}
		h.countCrash(k, p, new.crashes-old.crashes)
		h.claimedCollation(new)
		h.overlaps(k, new, p.began)
	}
	k.revived = k.revived || !begins && new.state == waiting && old.revivable()
	if new.state.ended() && old.event() != new.event() {
		h.ended(k, old, new)
	}
	k.last = new
}

// countCrash at a claim by p. The former claimer may be neither dead nor stalled: then the crash is a wrong one.
func (h *history) countCrash(k *known, p *process, n int) {
	h.crashes += int64(n)
	if former := k.claim.by; n > 0 && former != p && former.busy == k.last.id && !former.stalled {
		h.innocent++
	}
	k.claim.by = p
}

func newLife(old, new record) bool {
	return new.state == waiting && old.state.ended() && (new.generation > old.generation+1 || !old.revivable())
}

func (h *history) ended(k *known, old, new record) {
	e := h.endings[new.event().life]
	if e == nil {
		e = &ending{}
		h.endings[new.event().life] = e
		k.endings = append(k.endings, e)
	}
	e.event = new.event()
	e.ends++
	if e.ends > 1 {
		h.violate(duplicated, new.id, "outcome %d of generation %d: %v over %v", e.ends, new.generation, new, old)
	}
	if new.state == dead && old.state == running && old.crashes >= maxCrashes {
		h.crashed++
	}
	if new.state == succeeded {
		h.succeeded(k, new)
	}
}

func (h *history) announced(e event) {
	if end := h.endings[e.life]; end == nil || end.event != e {
		h.violate(unexpected, e.id, "event %+v, but the record says %+v", e, end)
	} else {
		end.events++
	}
}

func (h *history) wroteBack(e event) {
	if end := h.endings[e.life]; end != nil {
		end.writeBacks++
	}
}

func (h *history) acknowledged(p *process, id string) {
	h.tracef(p, id, "enqueue is acknowledged")
	h.jobs[id].acked = min(h.jobs[id].acked, h.now)
}

func (h *history) dispatched(id string) { h.jobs[id].sent = true }

func (h *history) intruded(mid int) { h.foreign = append(h.foreign, mid) }

func (h *history) redriven(l life) { h.revivals[l.id] = max(h.revivals[l.id], l.generation) }

// deadLetters lists what an operator may redrive.
func (h *history) deadLetters() (list []life) {
	for _, k := range h.all {
		if r := k.last; h.jobs[r.id] == k && r.revivable() && r.expire > h.now+5*time.Minute {
			list = append(list, life{r.id, r.generation})
		}
	}
	return list
}
