package schedule

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/queue"
)

// zones that change their clocks at midnight, by half an hour, by two hours, twice a
// year for a month's fast, for the last time, or never.
var zones = []string{
	"Europe/Berlin", "Europe/London", "Europe/Dublin", "Europe/Chisinau", "America/New_York", "America/Los_Angeles", "America/St_Johns",
	"America/Havana", "America/Santiago", "America/Asuncion", "America/Mexico_City", "America/Nuuk", "Africa/Cairo", "Africa/Casablanca",
	"Asia/Beirut", "Asia/Jerusalem", "Asia/Tehran", "Asia/Almaty", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Auckland",
	"Pacific/Chatham", "Antarctica/Troll", "Asia/Kolkata",
}

var expressions = []string{
	"30 2 * * *", "0 0 * * *", "30 23 * * *", "59 23 * * *", "0 * * * *", "15,45 * * * *", "*/5 * * * *", "*/10 1-3 * * *", "30 2,3 * * *",
	"0 */2 * * *", "7 0-23 * * *", "0 3 * * SUN", "30 1 25-31 * 0", "0 12 * * MON-FRI", "@hourly", "@daily", "@weekly", "@monthly",
}

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := zonesOnce(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

var known sync.Map

// zonesOnce reads each zone from its file once.
func zonesOnce(name string) (*time.Location, error) {
	if z, ok := known.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		known.Store(name, z)
	}
	return z, err
}

// walk lists the ticks from t on, from included.
func walk(r rhythm, from, to time.Time) []Tick {
	var out []Tick
	for t := from.Add(-1); ; {
		next, ok := r.after(t)
		if !ok || next.At.After(to) {
			return out
		}
		out, t = append(out, next), next.At
	}
}

var sameTick = cmp.Comparer(func(a, b Tick) bool { return a.At.Equal(b.At) && a.Local == b.Local })

// TestRule_R15_RightThroughBothChanges: at every change of two dozen zones in five years, each
// expression has the ticks that somebody would count who watches the clock.
func TestRule_R15_RightThroughBothChanges(t *testing.T) {
	changes := 0
	for _, name := range zones {
		zone := zoneOf(t, name)
		for at := time.Date(2021, 6, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2026 || at.Month() < 6; at = at.Add(time.Hour) {
			_, before := at.In(zone).Zone()
			if _, after := at.Add(time.Hour).In(zone).Zone(); before == after {
				continue
			}
			changes++
			from, to := at.Add(-26*time.Hour), at.Add(26*time.Hour)
			clock := watch(from, to, zone)
			for _, expr := range expressions {
				r, err := parse(expr, zone)
				if err != nil {
					t.Fatal(err)
				}
				o, ok := oracleOf(expr)
				if !ok {
					t.Fatalf("the oracle can't read %q", expr)
				}
				if diff := cmp.Diff(o.ticks(clock), walk(r, from, to), sameTick); diff != "" {
					t.Errorf("%s in %s around %v: -oracle +ours\n%s", expr, name, at, diff)
				}
			}
		}
	}
	if changes < 180 {
		t.Errorf("saw %d changes", changes)
	}
}

func TestRule_R15_WhatTheDocsSayOfChanges(t *testing.T) {
	berlin := zoneOf(t, "Europe/Berlin")
	forward, back := time.Date(2026, 3, 29, 0, 0, 0, 0, berlin), time.Date(2026, 10, 25, 0, 0, 0, 0, berlin)
	for name, c := range map[string]struct {
		expr string
		day  time.Time
		want []string
	}{
		"nightly, forward: once, shifted":  {"30 2 * * *", forward, []string{"2026-03-29T02:30:00 at 03:30 CEST"}},
		"nightly, back: once, the first":   {"30 2 * * *", back, []string{"2026-10-25T02:30:00 at 02:30 CEST"}},
		"one tick where two fall together": {"30 2,3 * * *", forward, []string{"2026-03-29T03:30:00 at 03:30 CEST"}},
		"each real hour, forward": {"0 * 29 3 *", forward.Add(30 * time.Minute), []string{
			"2026-03-29T01:00:00 at 01:00 CET", "2026-03-29T03:00:00 at 03:00 CEST", "2026-03-29T04:00:00 at 04:00 CEST",
		}},
		"each real hour, back": {"0 * 25 10 *", back.Add(90 * time.Minute), []string{
			"2026-10-25T02:00:00 at 02:00 CEST", "2026-10-25T02:00:00 again at 02:00 CET", "2026-10-25T03:00:00 at 03:00 CET",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := parse(c.expr, berlin)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, k := range walk(r, c.day, c.day.Add(25*time.Hour)) {
				if len(got) < len(c.want) && k.At.Before(c.day.Add(24*time.Hour)) {
					got = append(got, k.Local+" at "+k.At.Format("15:04 MST"))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A day that a zone left out, and days that are rare.
func TestRule_R15_RareDays(t *testing.T) {
	apia := zoneOf(t, "Pacific/Apia")
	for _, c := range []struct {
		expr        string
		zone        *time.Location
		after, want string
	}{
		{"0 0 29 2 *", time.UTC, "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"0 0 29 2 *", time.UTC, "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"0 0 29 2 *", zoneOf(t, "Europe/Berlin"), "2096-03-01T00:00:00Z", "2104-02-28T23:00:00Z"},
		{"0 0 31 */2 *", time.UTC, "2026-02-01T00:00:00Z", "2026-03-31T00:00:00Z"},
		{"0 12 30 12 *", apia, "2011-12-30T00:00:00Z", "2011-12-30T22:00:00Z"}, // there was no 30 December: 12:00 of the 31st
		{"0 2 * * *", apia, "2011-12-29T13:00:00Z", "2011-12-30T12:00:00Z"},
		{"59 23 31 12 *", time.UTC, "2026-12-31T23:58:59.999999999Z", "2026-12-31T23:59:00Z"},
	} {
		after, err := time.Parse(time.RFC3339Nano, c.after)
		if err != nil {
			t.Fatal(err)
		}
		r, err := parse(c.expr, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		next, ok := r.after(after)
		if got := next.At.UTC().Format(time.RFC3339); !ok || got != c.want {
			t.Errorf("%q in %v after %s: %s, want %s", c.expr, c.zone, c.after, got, c.want)
		}
	}
}

// TestRule_F2_BadExpressions are refused with the field's name, at once.
func TestRule_F2_BadExpressions(t *testing.T) {
	for _, expr := range []string{
		" ", "x", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8",
		"* * 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", ", * * * *", "*/0 * * * *", "-1 * * * *", "1-2-3 * * * *", "1/2/3 * * * *",
		"@every 5m", "@never", "@", "@daily x", "CRON_TZ=UTC * * * * *", "TZ=Nowhere * * * * *", "H * * * *", "0 0 L * *", "0 0 15W * *",
		"0 0 * * FRI#2", "\x00", "* * * * *\x00", "٣ * * * *", "99999999999999999999 * * * *", strings.Repeat("1,", 1<<16) + "1 * * * *",
	} {
		s := New((*queue.Queue[queue.None, queue.None])(nil), "s")
		s.Cron = expr
		_, err := s.Next(time.Now())
		var bad *queue.InvalidError
		if !errors.As(err, &bad) || bad.Field != "Schedule.Cron" || !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("%.40q: %v", expr, err)
		}
	}
}

func TestRule_R15_EveryCountsRealTime(t *testing.T) {
	berlin := zoneOf(t, "Europe/Berlin")
	i := interval{90 * time.Minute, berlin}
	from := time.Date(2026, 10, 24, 22, 30, 0, 0, time.UTC)
	want := []Tick{
		{from, "2026-10-25T00:30:00"},
		{from.Add(90 * time.Minute), "2026-10-25T02:00:00"},
		{from.Add(180 * time.Minute), "2026-10-25T02:30:00 again"},
		{from.Add(270 * time.Minute), "2026-10-25T04:00:00"},
	}
	if diff := cmp.Diff(want, walk(i, from, from.Add(5*time.Hour)), sameTick); diff != "" {
		t.Error(diff)
	}
	for _, at := range []int64{-10801, -10800, -1, 0, 1, 5399} {
		next, _ := i.after(time.Unix(at, 0))
		if d := next.At.Unix() - at; d <= 0 || d > 5400 || next.At.Unix()%5400 != 0 {
			t.Errorf("after %d comes %d", at, next.At.Unix())
		}
	}
}

// FuzzCron: an expression is refused, or its next tick is later, and the one that
// the oracle sees on the clock.
func FuzzCron(f *testing.F) {
	for i, e := range expressions {
		f.Add(e, int64(1774746000+i*3600), uint8(i))
		f.Add(e, int64(1792890000+i*600), uint8(i))
	}
	for _, e := range []string{"0 0 29 2 *", "* * 31 2 *", "5/7 3-9/2 1,15 jan-jun sat,SUN", "0 22-2 * * *", "0 0 * * fri-mon", "*/7,3 * ? * 7", "TZ=UTC 0 0 * * *"} {
		f.Add(e, int64(1767225599), uint8(0))
	}
	places := make([]*time.Location, len(zones))
	for i, z := range zones {
		places[i] = zoneOf(f, z)
	}
	f.Fuzz(func(t *testing.T, expr string, unix int64, place uint8) {
		zone := places[int(place)%len(places)]
		r, err := parse(expr, zone)
		if err != nil {
			if !errors.Is(err, queue.ErrInvalid) {
				t.Fatalf("%q: %v", expr, err)
			}
			return
		}
		const start, span = 1577836800, 20 * 366 * 86400 // 2020 to 2040: later, no zone is known
		now := time.Unix(start+(unix%span+span)%span, 0)
		next, ok := r.after(now)
		if !ok || !next.At.After(now) {
			t.Fatalf("%q in %v: after %v comes %v, %v", expr, zone, now, next, ok)
		}
		o, ok := oracleOf(strings.Join(strings.Fields(expr), " "))
		if !ok {
			return
		}
		from := now.Truncate(time.Minute).Add(time.Minute)
		to := from.Add(50 * time.Hour)
		seen := o.ticks(watch(from, to, zone))
		switch {
		case len(seen) == 0 && !next.At.After(to):
			t.Errorf("%q in %v: after %v comes %v, where the oracle sees none", expr, zone, now, next)
		case len(seen) > 0 && !sameTickAs(seen[0], next):
			t.Errorf("%q in %v: after %v comes %v, the oracle sees %v", expr, zone, now, next, seen[0])
		}
	})
}

func sameTickAs(a, b Tick) bool { return a.At.Equal(b.At) && a.Local == b.Local }
