package schedule

import "time"

// horizon is how far back a schedule looks for what it missed.
const horizon = 366 * day

// plan is what is to do at a time. Without a newest tick: nothing.
type plan struct {
	fire   []Tick // oldest first
	newest Tick   // that is due; if it isn't to fire, it is missed
}

// plan picks of the ticks after last that are due those that catchUp wants.
func (p pace) plan(last, now time.Time, catchUp int, grace time.Duration) plan {
	most := max(catchUp, 1)
	var out plan
	last = later(last, now.Add(-horizon))
	for {
		t, ok := p.after(last)
		if !ok || p.due(t).After(now) {
			break
		}
		if len(out.fire) == 2*most { // copied once in a while, not each time
			out.fire = append(out.fire[:0], out.fire[most:]...)
		}
		out.fire = append(out.fire, t)
		out.newest, last = t, t.At
	}
	if len(out.fire) > most {
		out.fire = out.fire[len(out.fire)-most:]
	}
	if catchUp == None && len(out.fire) > 0 && now.Sub(p.due(out.newest)) > grace {
		out.fire = nil
	}
	return out
}

// between counts the ticks after last and before t, as plan would see them.
func (p pace) between(last, t, now time.Time) int {
	n := 0
	for last = later(last, now.Add(-horizon)); ; n++ {
		next, ok := p.after(last)
		if !ok || !next.At.Before(t) {
			return n
		}
		last = next.At
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
