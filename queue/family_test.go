package queue

import (
	"testing"

	"github.com/google/uuid"
)

// TestRule_R2_FamiliesAreUnguessable: ids stand side by side, and what tells them apart
// is random.
func TestRule_R2_FamiliesAreUnguessable(t *testing.T) {
	var f family
	const families = 64
	const n = families * familySize
	seen := map[string]bool{}
	names := map[string]int{}
	var ones [16 * 8]int
	for range n {
		text := f.id()
		id, err := uuid.Parse(text)
		if err != nil || id.Version() != 4 || id.Variant() != uuid.RFC4122 {
			t.Fatalf("%s: %v, version %d", text, err, id.Version())
		}
		seen[text] = true
		names[text[:6]]++
		for bit := range ones {
			ones[bit] += int(id[bit/8] >> (7 - bit%8) & 1)
		}
	}
	if len(seen) != n || len(names) < families-2 || len(names) > families {
		t.Fatalf("%d ids of %d, %d families", len(seen), n, len(names))
	}
	for bit, count := range ones {
		fixed := bit < 24 || bit >= 48 && bit < 52 || bit == 64 || bit == 65
		if share := float64(count) / n; !fixed && (share < 0.45 || share > 0.55) {
			t.Errorf("bit %d is 1 in %.2f of all ids", bit, share)
		}
	}
}
