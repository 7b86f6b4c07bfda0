package schedule

import (
	"hash/fnv"
	"io"
	"time"
)

// Tick is one moment of a schedule.
type Tick struct {
	At time.Time // in the schedule's Location

	// Local is what names it: the wall clock, as the expression means it,
	// "2026-03-29T02:30:00". On a day when clocks go forward that may be a time that
	// they never show, and At is later; when they go back, the second one has
	// " again" behind it.
	Local string
}

// rhythm says when ticks are. String tells rhythms apart.
type rhythm interface {
	after(time.Time) (Tick, bool) // false: there is none
	String() string
}

// interval is a tick each so much of real time.
type interval struct {
	each time.Duration
	zone *time.Location
}

func (i interval) String() string { return "every " + i.each.String() }

func (i interval) after(t time.Time) (Tick, bool) {
	each := int64(i.each / time.Second)
	n := t.Unix() / each
	if t.Unix() < 0 && t.Unix()%each != 0 {
		n--
	}
	return tickAt(time.Unix((n+1)*each, 0), i.zone), true
}

// tickAt is a tick that is where the clock shows it.
func tickAt(at time.Time, zone *time.Location) Tick {
	p := periodOf(at.Add(-1), zone)
	return Tick{At: at.In(zone), Local: name(shift(at, p.offset), p.second(at))}
}

// pace is a rhythm with jitter.
type pace struct {
	rhythm
	name   string
	jitter time.Duration
}

// due is when t is to fire: at once, or a while later that only t and the
// schedule's name decide. It is before the next tick, so that the order stays.
func (p pace) due(t Tick) time.Time {
	most := p.jitter
	if most == 0 {
		return t.At
	}
	if next, ok := p.after(t.At); ok {
		most = min(most, next.At.Sub(t.At))
	}
	return t.At.Add(time.Duration(hash(p.name, t.Local) % uint64(most)))
}

func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, s := range parts {
		io.WriteString(h, s)
		h.Write([]byte{0})
	}
	x := h.Sum64() // whose high bits hardly depend on the last bytes
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}

// key names the tick's job. The zone is in it, so that 02:30 elsewhere is another.
func (p pace) key(t Tick) string {
	return "leat-schedule/" + p.name + "/" + t.Local + "/" + t.At.Location().String()
}
