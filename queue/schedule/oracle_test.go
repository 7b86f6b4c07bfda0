package schedule

import (
	"strconv"
	"strings"
	"time"
)

// oracle knows when ticks are without any of the code under test: it walks minute
// by minute and looks at the clock. It reads expressions by itself.
type oracle struct {
	minute, hour, dom, month, dow [64]bool
	anyDom, anyDow, hourly        bool
}

var (
	monthNames = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	dayNames   = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	words      = map[string]string{
		"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
		"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
	}
)

// oracleOf reads an expression; false = it can't say.
func oracleOf(expr string) (*oracle, bool) {
	if w, ok := words[expr]; ok {
		expr = w
	}
	f := strings.Fields(expr)
	if len(f) != 5 {
		return nil, false
	}
	var o oracle
	ok := set(&o.minute, f[0], 0, 59, nil, 0) && set(&o.hour, f[1], 0, 23, nil, 0) && set(&o.dom, f[2], 1, 31, nil, 0) &&
		set(&o.month, f[3], 1, 12, monthNames, 1) && set(&o.dow, f[4], 0, 7, dayNames, 0)
	o.dow[0] = o.dow[0] || o.dow[7]
	o.anyDom, o.anyDow = whole(f[2]), whole(f[4])
	o.hourly = true
	for h := range 24 {
		o.hourly = o.hourly && o.hour[h]
	}
	return &o, ok
}

// whole is a day field that leaves the choice to the other: one with a bare *.
func whole(field string) bool {
	for part := range strings.SplitSeq(field, ",") {
		if part == "*" || part == "*/1" || part == "?" {
			return true
		}
	}
	return false
}

func set(into *[64]bool, field string, low, high int, names []string, base int) bool {
	for part := range strings.SplitSeq(field, ",") {
		span, by, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(by); err != nil || step < 1 {
				return false
			}
		}
		first, last, ranged := strings.Cut(span, "-")
		from, to := low, high
		if first != "*" {
			if from = number(first, names, base); ranged {
				to = number(last, names, base)
			} else if !stepped {
				to = from
			}
		} else if ranged {
			return false
		}
		if from < low || to > high || from > to {
			return false
		}
		for n := from; n <= to; n += step {
			into[n] = true
		}
	}
	return true
}

func number(s string, names []string, base int) int {
	for i, n := range names {
		if strings.EqualFold(n, s) {
			return i + base
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func (o *oracle) matches(reading time.Time) bool {
	if !o.minute[reading.Minute()] || !o.hour[reading.Hour()] || !o.month[reading.Month()] {
		return false
	}
	dom, dow := o.dom[reading.Day()], o.dow[reading.Weekday()]
	if o.anyDom || o.anyDow {
		return dom && dow
	}
	return dom || dow
}

// shown is what a clock shows at a minute, as it is watched.
type shown struct {
	at      time.Time
	reading time.Time
	again   bool      // it has shown this before
	gone    time.Time // the reading that it left out and would have come to now; zero = none
}

// watch watches a clock from a full minute to another, and from before that on, to
// know what it has shown.
func watch(from, to time.Time, zone *time.Location) []shown {
	const back = 26 * time.Hour
	var out []shown
	seen := map[time.Time]bool{}
	gone := map[int64]time.Time{}
	before := read(from.Add(-back), zone)
	for t := from.Add(-back); !t.After(to); t = t.Add(time.Minute) {
		now := read(t, zone)
		late := t
		for r := before.Add(time.Minute); r.Before(now); r = r.Add(time.Minute) {
			gone[late.Unix()] = r
			late = late.Add(time.Minute)
		}
		if !t.Before(from) {
			out = append(out, shown{t, now, seen[now], gone[t.Unix()]})
		}
		before, seen[now] = now, true
	}
	return out
}

// ticks are those that the clock shows.
func (o *oracle) ticks(clock []shown) []Tick {
	const layout = "2006-01-02T15:04:05"
	var out []Tick
	for _, s := range clock {
		switch {
		case o.matches(s.reading) && !s.again:
			out = append(out, Tick{s.at, s.reading.Format(layout)})
		case o.matches(s.reading) && o.hourly:
			out = append(out, Tick{s.at, s.reading.Format(layout) + " again"})
		case !s.gone.IsZero() && o.matches(s.gone):
			out = append(out, Tick{s.at, s.gone.Format(layout)})
		}
	}
	return out
}

// read is what the clock shows, as if it were UTC.
func read(t time.Time, zone *time.Location) time.Time {
	l := t.In(zone)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
}
