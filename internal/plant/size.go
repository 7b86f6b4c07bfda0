package plant

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Size is how much of something a row does: what the environment says, else one
// number under -short and another without.
func Size(env string, short, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(env)); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return short
	}
	return usual
}

// Seed is the first of a row's runs: LEAT_SEED, which is then the only one, or any.
func Seed() (seed uint64, only bool) {
	if n, err := strconv.ParseUint(os.Getenv("LEAT_SEED"), 10, 64); err == nil {
		return n, true
	}
	return rand.Uint64(), false
}

// Dice are rolled by what is being decided, not by when: the same seed and the same
// question give the same answer, however goroutines take turns.
func Dice(seed uint64, question ...uint64) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, q := range question {
		for range 8 {
			h = (h ^ q&0xff) * 1099511628211
			q >>= 8
		}
	}
	return rand.New(rand.NewPCG(seed, h))
}
