package memory

import (
	"slices"

	"github.com/leat-go/leat/backends"
)

// place is what one supersede key of a tenant names (R13). The newest job by
// order holds it; the option of that job decides for all older ones.
type place struct {
	order    int64
	id       string
	trailing bool
	live     []*record // waiting and running jobs of the place: few, as older waiting ones end
	refs     int       // records of the place, of any state
}

// placeOf is the place of a job that has a supersede key.
func (s *seat) placeOf(r *record) *place {
	p := s.places[r.job.Supersede]
	if p == nil {
		p = &place{}
		if s.places == nil {
			s.places = map[string]*place{}
		}
		s.places[r.job.Supersede] = p
	}
	return p
}

// takePlace makes r, just created, the newest of its place, and returns the
// older ones that live.
func (r *record) takePlace() (older []*record) {
	if !r.tied(toPlace) {
		return nil
	}
	p := r.seat.placeOf(r)
	p.order, p.id, p.trailing = r.order, r.job.ID, r.job.Trailing
	p.refs++
	older = slices.Clone(p.live)
	p.live = append(p.live, r)
	return older
}

// overtake ends an older job that waits, and marks one that runs.
func (b *store) overtake(old, newest *record, now int64) {
	next := old.life.Supersede(old.facts(now), newest.job.Trailing)
	switch next.State {
	case old.life.State:
		old.life = next // a mark, which its holder finds at its next step
		old.changed()
	default:
		_ = b.move(old, next, now, 0) // an arrow of the table
	}
}

// overtaken is what the place says of r.
func (p *place) overtaken(r *record) backends.Overtaken {
	switch {
	case p.order <= r.order:
		return backends.Newest
	case p.trailing:
		return backends.ByTrailing
	}
	return backends.ByNewer
}

// changed follows a job of the place into or out of life; the newest may wait
// for that.
func (p *place) changed(r *record, now int64) {
	i := slices.Index(p.live, r)
	switch ended := r.life.State.Ended(); {
	case ended && i >= 0:
		p.live = slices.Delete(p.live, i, i+1)
	case !ended && i < 0:
		p.live = append(p.live, r)
	}
	if r.life.State == backends.Superseded && p.order > r.order {
		r.more().supersededBy = p.id
	}
	for _, w := range p.live {
		if w != r && w.in == nil && w.life.State == backends.Waiting && w.life.Due != 0 {
			w.seat.queue.putIn(w, now, 0)
		}
	}
}

// forget drops a record that leaves the store, and the place with the last.
func (p *place) forget(r *record) {
	if i := slices.Index(p.live, r); i >= 0 {
		p.live = slices.Delete(p.live, i, i+1)
	}
	if p.refs--; p.refs == 0 {
		delete(r.seat.places, r.job.Supersede)
	}
}

// blocked reports whether r must wait for an older job of its place to finish.
func (r *record) blocked() bool {
	if !r.tied(toPlace) || !r.job.Trailing {
		return false
	}
	p := r.seat.placeOf(r)
	if p.order != r.order {
		return false
	}
	return slices.ContainsFunc(p.live, func(o *record) bool { return o.life.State == backends.Running && o != r })
}
