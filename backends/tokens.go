package backends

import (
	"math"
	"time"
)

// Tokens is how the rate of a Cap stands (R11), the same for every store: a token bucket,
// which fills at the rate up to the burst, and from which each claim takes one. The
// zero value is a full one. Times are Unix nanoseconds of the store's clock.
type Tokens struct {
	Left  float64
	Since int64 // when Left was right; 0 = never: it is full
}

// almost is a token, but for rounding.
const almost = 1 - 1e-6

// Filled is t at now, with the tokens of the time that went by. A clock that is a little
// behind the one that filled it adds none; one that was set back begins anew.
func (t Tokens) Filled(now int64, c Cap) Tokens {
	rate, size := c.Bucket()
	past := now - t.Since
	switch {
	case t.Since == 0:
		t.Left = size
	case past >= 0:
		t.Left += float64(past) * rate / 1e9
	case past > -int64(time.Second):
		now = t.Since
	}
	return Tokens{min(size, t.Left), now}
}

// Claims is how many claims may go now. t must be Filled.
func (t Tokens) Claims() int { return int(t.Left + 1 - almost) }

// Opens is when the next claim may go; 0 = now, or there is no rate. t must be Filled.
func (t Tokens) Opens(c Cap) int64 {
	if c.Rate <= 0 || t.Left >= almost {
		return 0
	}
	return t.Since + c.gain(1-t.Left)
}

// Full is when t may be forgotten, as it is a full one again; 0 = there is no rate.
func (t Tokens) Full(c Cap) int64 {
	if c.Rate <= 0 || t.Since == 0 {
		return 0
	}
	_, size := c.Bucket()
	return t.Since + c.gain(size-t.Left)
}

// gain is how long the bucket takes to gain so many tokens, 150 years at most: a rate may
// be next to nothing.
func (c Cap) gain(tokens float64) int64 {
	return int64(min(math.Ceil(tokens/c.Rate*1e9), float64(maxSpan)))
}

// Take is t after so many claims.
func (t Tokens) Take(claims int) Tokens {
	t.Left -= float64(claims)
	return t
}
