package schedule

import "time"

// wall is an expression on the wall clock of a zone.
//
// Times without a zone ("readings" of the clock) are kept as if they were in UTC. A
// period of a zone has one offset, and instants and readings then differ by it:
//
//	          period before       │ period
//	readings  … 01:30  (02:30) ─┐ │ 03:00  03:30 …     forward: the clock never shows 02:30;
//	instants  … 00:30           └─┼─────▶ 01:30        it is read with the offset before
//
//	readings  … 02:00  02:30      │ 02:00  02:30  03:00 …  back: the second 02:30 is left out
//	instants  … 00:00  00:30      │ 01:00  01:30  02:00    unless hourly
type wall struct {
	text   string
	spec   search
	zone   *time.Location
	hourly bool // all 24 hours: it goes by hours, not by times of the day
}

// search finds the next reading of an expression, zero if there is none.
type search interface{ Next(time.Time) time.Time }

func (w wall) String() string { return "cron " + w.text + " " + w.zone.String() }

// after is the first tick after t. It goes from period to period: those without a
// tick are stepped over.
func (w wall) after(t time.Time) (Tick, bool) {
	for {
		p := periodOf(t, w.zone)
		regular, gone := w.regular(p, t), w.gone(p, t)
		switch {
		case regular.IsZero():
			return Tick{}, false
		case !gone.IsZero() && gone.Before(regular): // equal: the reading that is there names it
			return Tick{At: gone.In(w.zone), Local: name(shift(gone, p.before), false)}, true
		case p.end.IsZero() || regular.Before(p.end):
			return Tick{At: regular.In(w.zone), Local: name(shift(regular, p.offset), p.second(regular))}, true
		}
		t = p.end.Add(-1)
		if far := regular.Add(-2 * day); far.After(t) { // no offsets differ by so much
			t = far
		}
	}
}

const day = 24 * time.Hour

// regular is the first tick after t of the readings of p, as if p never ended.
func (w wall) regular(p period, t time.Time) time.Time {
	from := shift(t, p.offset)
	if seen := shift(p.start, p.before).Add(-1); !w.hourly && p.back() && from.Before(seen) {
		from = seen
	}
	return p.instant(w.spec.Next(from), p.offset)
}

// gone is the first tick after t of the readings that the clock left out when p
// began, zero if there is none.
func (w wall) gone(p period, t time.Time) time.Time {
	if p.start.IsZero() || p.offset <= p.before {
		return time.Time{}
	}
	from := t
	if from.Before(p.start) {
		from = p.start.Add(-1)
	}
	at := w.spec.Next(shift(from, p.before))
	if !at.Before(shift(p.start, p.offset)) {
		return time.Time{}
	}
	return p.instant(at, p.before)
}

// period is a time in which a zone's offset is the same.
type period struct {
	start, end     time.Time // zero = for ever
	offset, before time.Duration
}

// periodOf is the period in which the first instant after t lies.
func periodOf(t time.Time, zone *time.Location) period {
	local := t.Add(1).In(zone)
	var p period
	p.start, p.end = local.ZoneBounds()
	p.offset = offset(local)
	p.before = p.offset
	if !p.start.IsZero() {
		p.before = offset(p.start.Add(-1))
	}
	return p
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// back reports whether clocks went back when p began.
func (p period) back() bool { return !p.start.IsZero() && p.offset < p.before }

// second reports whether the clock shows at t what it showed before p.
func (p period) second(t time.Time) bool {
	return p.back() && t.Before(p.start.Add(p.before-p.offset))
}

// instant is when the clock shows reading, with that offset; zero if it is.
func (p period) instant(reading time.Time, offset time.Duration) time.Time {
	if reading.IsZero() {
		return reading
	}
	return reading.Add(-offset)
}

// shift is what a clock with that offset shows at t.
func shift(t time.Time, offset time.Duration) time.Time { return t.UTC().Add(offset) }

// name spells a reading, as part of a key.
func name(reading time.Time, second bool) string {
	s := reading.Format("2006-01-02T15:04:05")
	if second {
		s += " again"
	}
	return s
}
