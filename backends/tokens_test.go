package backends

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestRule_R11_TokensFillUpToTheBurst(t *testing.T) {
	const s = int64(time.Second)
	c := Cap{Rate: 2, Burst: 3}
	for name, tt := range map[string]struct {
		from Tokens
		now  int64
		want Tokens
	}{
		"never used":     {Tokens{}, 10 * s, Tokens{3, 10 * s}},
		"half a second":  {Tokens{1, 10 * s}, 10*s + s/2, Tokens{2, 10*s + s/2}},
		"a long pause":   {Tokens{0, 10 * s}, 100 * s, Tokens{3, 100 * s}},
		"a debt":         {Tokens{-5, 10 * s}, 12 * s, Tokens{-1, 12 * s}},
		"clock behind":   {Tokens{1, 10 * s}, 10*s - s/2, Tokens{1, 10 * s}},
		"clock set back": {Tokens{1, 10 * s}, 5 * s, Tokens{1, 5 * s}},
		"a lower burst":  {Tokens{9, 10 * s}, 10 * s, Tokens{3, 10 * s}},
	} {
		if got := tt.from.Filled(tt.now, c); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestRule_R11_TokensOpenWhenThereIsOne(t *testing.T) {
	const s = int64(time.Second)
	c := Cap{Rate: 4}
	for _, tt := range []struct {
		from   Tokens
		claims int
		opens  int64
		full   int64
	}{
		{Tokens{4, s}, 4, 0, s},
		{Tokens{1, s}, 1, 0, s + 3*s/4},
		{Tokens{1 - 1e-9, s}, 1, 0, s + 3*s/4 + 1},
		{Tokens{0.5, s}, 0, s + s/8, s + 7*s/8},
		{Tokens{0, s}, 0, s + s/4, 2 * s},
		{Tokens{-1, s}, 0, s + s/2, 2*s + s/4},
	} {
		if n, opens, full := tt.from.Claims(), tt.from.Opens(c), tt.from.Full(c); n != tt.claims || opens != tt.opens || full != tt.full {
			t.Errorf("%+v: %d claims, opens %d, full %d; want %d, %d, %d", tt.from, n, opens, full, tt.claims, tt.opens, tt.full)
		}
		if tt.from.Opens(Cap{}) != 0 || tt.from.Full(Cap{}) != 0 {
			t.Errorf("%+v: no rate holds nobody back", tt.from)
		}
	}
}

// TestRule_R11_TokensHoldTheRate: whatever the pauses, and though two clocks take turns
// that differ by a little, no span sees more claims than burst and rate allow.
func TestRule_R11_TokensHoldTheRate(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		c := Cap{Rate: 0.5 + 20*rnd.Float64(), Burst: rnd.IntN(4)}
		_, size := c.Bucket()
		var tokens Tokens
		now := int64(time.Hour)
		began, claims := now-5*int64(time.Millisecond), 0
		for range 500 {
			now += rnd.Int64N(int64(time.Second) / 10)
			tokens = tokens.Filled(now-int64(rnd.IntN(2)*5*int(time.Millisecond)), c)
			if tokens.Opens(c) == 0 {
				tokens = tokens.Take(1)
				claims++
			}
			if most := size + c.Rate*time.Duration(now-began).Seconds() + 0.001; float64(claims) > most {
				t.Fatalf("seed %d, %+v: %d claims in %v", seed, c, claims, time.Duration(now-began))
			}
		}
	}
}
