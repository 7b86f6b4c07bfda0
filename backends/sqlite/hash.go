package sqlite

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"github.com/leat-go/leat/backends"
)

// A job is found by a hash of its tenant and id: an index on 64 bits is a third of one
// on the names, and what random ids cost a store is pages of their index. The
// names decide; should two refs have one hash, the second gets the next one, up to
// the last of its slots.

// slots is how many refs of one hash there may be.
const slots = 4

// hash is the first slot of a ref. Ids that begin with the same six hexadecimal digits
// stand side by side (queue makes them in families).
func hash(ref backends.Ref) int64 {
	room := make([]byte, 0, 128)
	room = binary.AppendUvarint(room, uint64(len(ref.Tenant)))
	room = append(append(room, ref.Tenant...), ref.ID...)
	sum := sha256.Sum256(room)
	h := binary.BigEndian.Uint64(sum[:])
	if len(ref.ID) >= 6 {
		if family, err := strconv.ParseUint(ref.ID[:6], 16, 24); err == nil {
			h = family<<40 | h>>24
		}
	}
	return int64(h &^ (slots - 1))
}
