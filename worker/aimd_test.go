package worker

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// course plays outcomes, a letter each, all of handlers that begin one second after the
// one before has ended, and writes down the limit after each:
//
//	s success, t throttled, f failed, i success of an idle pool
//	S T the same, of handlers that began before the newest fall
func course(l *AIMD, outcomes string) (limits []int, pauses []time.Duration) {
	now, fell := time.Unix(1000, 0), time.Unix(1000, 0)
	for _, c := range outcomes {
		now = now.Add(2 * time.Second)
		o := Outcome{Begun: now.Add(-time.Second), Took: time.Second, Running: l.Limit(), Concurrency: 100}
		switch c {
		case 'S', 'T':
			o.Begun, o.Took = fell.Add(-time.Second), now.Sub(fell)+time.Second
		case 'f':
			o.Err = errors.New("sad")
		case 'i':
			o.Running = l.Limit() / 2
		}
		if c == 't' || c == 'T' {
			o.Throttled, o.After, o.Err = true, 3*time.Second, errors.New("429")
		}
		if c == 't' {
			fell = now
		}
		pauses = append(pauses, l.Ended(o))
		limits = append(limits, l.Limit())
	}
	return limits, pauses
}

func TestAIMD(t *testing.T) {
	for _, c := range []struct {
		name, outcomes string
		l              *AIMD
		want           []int
	}{
		{"it doubles a round until it is throttled", "ssssssst", &AIMD{}, []int{2, 2, 4, 4, 4, 4, 8, 6}},
		{"then it adds one a round", "t" + "ssssss" + "sssssss", &AIMD{Start: 12, Hold: 1}, []int{
			9, 9, 9, 9, 9, 9, 9, 9, 9, 10, 10, 10, 10, 10,
		}},
		{"it falls once for all that were under way", "tTTTt", &AIMD{Start: 100}, []int{75, 75, 75, 75, 56}},
		{"successes that were under way count for nothing", "tSSSSss", &AIMD{Start: 3}, []int{2, 2, 2, 2, 2, 2, 2}},
		{"it holds one below where it was throttled", "t" + "ss" + "ss" + "ss" + "ss", &AIMD{Start: 3, Hold: 4}, []int{2, 2, 2, 2, 2, 2, 2, 2, 3}},
		{"a round that goes well where it was throttled: the limit has moved", "t" + "ss" + "sss" + "ssss" + "sssss", &AIMD{Start: 3, Hold: 1}, []int{
			2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 6,
		}},
		{"what failed otherwise says nothing", "ffffsff", &AIMD{Start: 2}, []int{2, 2, 2, 2, 2, 2, 2}},
		{"nor does a pool that has little to do", "iiiiiiii", &AIMD{Start: 4}, []int{4, 4, 4, 4, 4, 4, 4, 4}},
		{"never below Min", "tttt", &AIMD{Min: 3, Start: 5}, []int{3, 3, 3, 3}},
		{"it falls by one at least", "tt", &AIMD{Start: 3, Decrease: 0.99}, []int{2, 1}},
		{"never above Max", "ssssssssssssss", &AIMD{Max: 3}, []int{2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}},
		{"a Max below Min is Min", "sst", &AIMD{Min: 2, Max: 1}, []int{2, 2, 2}},
		{"a Start above Max is Max", "f", &AIMD{Max: 7, Start: 9}, []int{7}},
		{"a Decrease that makes no sense is the default", "t", &AIMD{Start: 8, Decrease: 1.5}, []int{6}},
		{"not a number", "t", &AIMD{Start: 8, Decrease: math.NaN()}, []int{6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := course(c.l, c.outcomes)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: want -, got +\n%s", c.outcomes, diff)
			}
		})
	}
}

// A limit never counts beyond the pool's Concurrency: one that did would have to fall
// several times before anybody noticed.
func TestAIMDFallsFromWhatThePoolRuns(t *testing.T) {
	l := &AIMD{Start: 1000}
	l.Ended(Outcome{Begun: time.Unix(1, 0), Running: 8, Concurrency: 8, Throttled: true})
	if n := l.Limit(); n != 6 {
		t.Errorf("from 8 slots it fell to %d, want 6", n)
	}
}

// Where the limit can't fall any more, there is only time to give, and not more of it
// than Pause: what one job was told to wait may be for that job alone.
func TestAIMDPausesAtMinOnly(t *testing.T) {
	for _, c := range []struct {
		name string
		l    *AIMD
		want []time.Duration
	}{
		{"the default", &AIMD{Start: 2}, []time.Duration{0, time.Second, time.Second, 0}},
		{"as long as it was asked for", &AIMD{Start: 2, Pause: time.Hour}, []time.Duration{0, 3 * time.Second, 3 * time.Second, 0}},
		{"none", &AIMD{Start: 2, Pause: -1}, []time.Duration{0, 0, 0, 0}},
	} {
		if _, got := course(c.l, "ttts"); !slices.Equal(got, c.want) {
			t.Errorf("%s: pauses %v, want %v", c.name, got, c.want)
		}
	}
}

// FuzzAIMD plays any outcomes in any order, of any clock: the limit stays between Min
// and Max, moves by one rule at a time, and no pause is longer than it may be.
func FuzzAIMD(f *testing.F) {
	f.Add(1, 0, 0, 0.75, 10, int64(time.Second), []byte("ssstssTffi"))
	f.Add(-3, -1, 1<<40, math.Inf(1), -7, int64(-1), []byte{0, 255, 17, 3})
	f.Fuzz(func(t *testing.T, least, most, start int, decrease float64, hold int, pause int64, outcomes []byte) {
		l := &AIMD{Min: least % 1000, Max: most % 1000, Start: start % 1000, Decrease: decrease, Hold: hold, Pause: time.Duration(pause)}
		const concurrency = 64
		low := max(1, l.Min)
		high := max(low, l.Max)
		if l.Max <= 0 {
			high = max(low, concurrency)
		}
		l.Ended(Outcome{Concurrency: concurrency}) // knows the pool from now on
		for i, b := range outcomes {
			before := l.Limit()
			o := Outcome{
				Begun: time.Unix(int64(i), 0), Took: time.Duration(b) * time.Second / 8, Running: int(b), Concurrency: concurrency,
				Throttled: b%3 == 0, After: time.Duration(b) << 55,
			}
			if b%5 == 0 {
				o.Err = errors.New("sad")
			}
			p := l.Ended(o)
			after := l.Limit()
			if after < low || after > high {
				t.Fatalf("limit %d, and it may be from %d to %d", after, low, high)
			}
			if o.Throttled && after > before || !o.Throttled && after < before || after > 2*before {
				t.Fatalf("from %d to %d by %+v", before, after, o)
			}
			if p < 0 || p > 0 && (after != low || p > max(l.Pause, DefaultPause)) {
				t.Fatalf("a pause of %v at %d", p, after)
			}
		}
	})
}
