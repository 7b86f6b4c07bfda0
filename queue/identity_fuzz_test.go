package queue

import (
	"strings"
	"testing"
)

// Whatever the parts hold, only equal triples have equal ids, though they read the
// same in a row; and a fingerprint tells args and kinds apart.
func FuzzKeyedID(f *testing.F) {
	f.Add("", "whatif", "abc", 1, 2)
	f.Add("zeta", "whatif", "req-42", 0, 0)
	f.Add("\x00\x00\x00\x00\x00\x00\x00\x04zeta", "q", "\xff", 3, 9)
	secret := []byte("0123456789abcdef0123456789abcdef")
	f.Fuzz(func(t *testing.T, tenant, queue, key string, i, j int) {
		id := keyedID(secret, tenant, queue, key)
		if len(id) != 32 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Fatalf("id %q", id)
		}
		if keyedID(secret, tenant, queue, key) != id {
			t.Error("an id changes")
		}
		if keyedID(secret[1:], tenant, queue, key) == id {
			t.Error("two secrets give one id")
		}

		row := tenant + queue + key
		a, b := cut(row, i, j)
		other := [3]string{row[:a], row[a:b], row[b:]}
		same := other == [3]string{tenant, queue, key}
		if (keyedID(secret, other[0], other[1], other[2]) == id) != same {
			t.Errorf("%q and %q, %q, %q", other, tenant, queue, key)
		}
		same = row[:a] == tenant && row[a:] == queue+key
		if (fingerprint(secret, row[:a], []byte(row[a:])) == fingerprint(secret, tenant, []byte(queue+key))) != same {
			t.Errorf("fingerprints of %q, %q and %q, %q", row[:a], row[a:], tenant, queue+key)
		}
		if fingerprint(secret, tenant, []byte(key)) == 0 {
			t.Error("a fingerprint of 0 guards nothing")
		}
	})
}

// cut returns two places in a row, in order.
func cut(row string, i, j int) (int, int) {
	n := uint(len(row)) + 1
	a, b := int(uint(i)%n), int(uint(j)%n)
	return min(a, b), max(a, b)
}
