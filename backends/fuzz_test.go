package backends

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func FuzzCapped(f *testing.F) {
	for _, s := range []string{"", "boom", "a\x00b", "\xff\xfe", strings.Repeat("🐣", MaxText), strings.Repeat("\x00", MaxText), "\xed\xa0\x80"} {
		f.Add(s, 1)
	}
	f.Add("é", MaxText)
	f.Fuzz(func(t *testing.T, s string, times int) {
		s = strings.Repeat(s, min(max(times, 1), 1+4*MaxText/(len(s)+1)))
		got := Capped(s)
		switch {
		case !utf8.ValidString(got) || strings.Contains(got, "\x00") || len(got) > MaxText:
			t.Errorf("not what a store may keep: %q", got)
		case Capped(got) != got:
			t.Errorf("capped twice: %q", Capped(got))
		case badText(s) == "" && (!strings.HasPrefix(s, got) || len(got) < min(len(s), MaxText-3)):
			t.Errorf("%q is not cut, but became %q", s, got)
		}
	})
}

func FuzzJobCheck(f *testing.F) {
	f.Add("id", "tenant", "kind", "k", "v", int64(0), int64(0), int64(0), int32(0), int32(0))
	f.Add("id", "t", "k", "", "", int64(0), int64(0), int64(0), int32(0), int32(-1<<31))
	f.Add("", "\xff", "a\x00", "\xc3", "", int64(1<<40), int64(-1), int64(1)<<62, int32(-1), int32(-2))
	f.Add("🐣", "\u202e", "\ufffe", "", "\x00", int64(4_000_000_000), int64(time.Hour), int64(maxSpan), int32(1<<31-1), int32(1))
	f.Fuzz(func(t *testing.T, id, tenant, kind, key, value string, due, delay, expiry int64, attempts, hold int32) {
		j := &Job{
			Ref: Ref{tenant, id}, Kind: kind, Headers: map[string]string{key: value}, Payload: []byte(value),
			Due: time.Unix(due, 0), Delay: time.Duration(delay), Expiry: time.Duration(expiry),
			MaxAttempts: attempts, Batch: &Batch{Hold: hold, Member: Ref{tenant, kind}, Members: attempts, Index: hold, Seed: key},
		}
		const today = int64(1_800_000_000 * time.Second) // January 2027
		switch err := j.Check(Features{MaxPayload: 64}); {
		case err != nil:
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("untyped %v", err)
			}
		case j.Start(today) < today+delay:
			t.Errorf("starts too early: due %d, delay %d", due, delay)
		case !j.Due.After(time.Unix(0, today)) && j.Start(today) != today+delay:
			t.Errorf("a past due (%d) starts at %d", due, j.Start(today))
		case expiry > 0 && j.Deadline(today) <= today:
			t.Errorf("deadline overflows: %d", expiry)
		case attempts < 0 || hold < 0 || len(key) > MaxName:
			t.Errorf("took a strange batch")
		case id == "" || badText(id+tenant+kind+key+value) != "":
			t.Errorf("took bad text")
		}
	})
}

func FuzzSettlementCheck(f *testing.F) {
	f.Add(uint8(Commit), uint8(Succeeded), uint8(Event), int64(0), 1)
	f.Add(uint8(Retry), uint8(0), uint8(0), int64(time.Hour), 0)
	f.Add(uint8(Announced), uint8(0), uint8(WriteBack), int64(0), 0)
	f.Add(uint8(Snooze), uint8(0), uint8(Event), int64(1), 0)
	f.Add(uint8(6), uint8(8), uint8(255), int64(-1), 1<<20)
	f.Fuzz(func(t *testing.T, verb, outcome, owes uint8, delay int64, size int) {
		s := &Settlement{
			Lease: &Lease{Job: &Job{}, Token: 1, Generation: gen}, Verb: Verb(verb), Outcome: State(outcome),
			Owes: Debt(owes), Delay: time.Duration(delay), Result: make([]byte, min(max(size, 0), 100)),
		}
		if err := s.Check(Features{MaxResult: 64}); err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("untyped %v", err)
			}
			return
		}
		if len(s.Result) > 64 {
			t.Errorf("took a result of %d bytes", len(s.Result))
		}
		for _, l := range []Life{waiting, running, lapsed, cancelling, newer, trailed, debt, closed} {
			after, _ := l.Settle(owing, s)
			checkStep(t, l, step{"settle", s.Lease, owing, after})
		}
	})
}

// Whatever is wrong with a URL, and however a driver quotes it, no error repeats
// a secret of it.
func FuzzRegistryURL(f *testing.F) {
	f.Add("known", "user", "host", "sync", "")
	f.Add("nosuch", "user", "host:port", "nosuch", "%zz")
	f.Add("known", "", "[::1", "sync", "&sync=1")
	f.Add("", "a:b", "h/p", "", ";")
	f.Add("known", "Ann", "h", "token", "%26&token=2")
	f.Fuzz(func(t *testing.T, scheme, user, host, key, tail string) {
		nested := url.URL{Scheme: "r", Host: "h", User: url.UserPassword(user, tail+canary)}
		u := url.URL{
			Scheme: scheme, User: url.UserPassword(user, canary+tail), Host: host,
			RawQuery: url.QueryEscape(key) + "=" + canary + tail,
		}
		for _, raw := range []string{u.String(), scheme + "://" + host + ":" + canary + "@" + user, tail + ":" + canary} {
			if err := open(t, raw); err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("%q: %v", raw, err)
			}
		}
		if key == "queue" { // whose value is no secret
			return
		}
		u.Scheme, u.RawQuery = "known", "records="+url.QueryEscape(nested.String())+"&"+u.RawQuery
		for how, quote := range quotes {
			err := openBy(t.Context(), &u, func(u *url.URL) error { return fmt.Errorf("%s %[1]q", quote(u)) })
			if strings.Contains(err.Error(), canary) {
				t.Errorf("%s of %q: %v", how, &u, err)
			}
		}
	})
}

// A splitter names its members by index, for ever.
func FuzzMemberID(f *testing.F) {
	f.Add("seed", int32(0), int32(1))
	f.Add("", int32(1), int32(1))
	f.Fuzz(func(t *testing.T, seed string, i, j int32) {
		a, b := MemberID(seed, int(i)), MemberID(seed, int(j))
		if (a == b) != (i == j) || MemberID(seed+"x", int(i)) == a {
			t.Errorf("%q: %d is %s, %d is %s", seed, i, a, j, b)
		}
		if err := checkName("id", a, true); err != nil || len(a) != 32 {
			t.Errorf("%s: %v", a, err)
		}
	})
}
