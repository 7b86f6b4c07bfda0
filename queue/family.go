package queue

import (
	"crypto/rand"
	"sync"

	"github.com/google/uuid"
)

// family makes random ids: UUIDs of version 4, of which some hundred in a row begin
// with the same 24 random bits. An index of ids that have nothing in common is
// written to all over, a page per job, which is half of what an enqueue costs a store
// on disk; the ids of a family stand side by side. Families have no order and no
// time, and 98 random bits are left in each id, so that knowing one helps nobody to
// guess another (R2).
type family struct {
	mu   sync.Mutex
	name [3]byte
	left int // ids that this family still gets
}

// familySize fills about one page of an index. With more, a commit of a hundred jobs
// writes to several pages of their family; with fewer, to several families.
const familySize = 256

var families family

func (f *family) id() string {
	var id uuid.UUID
	rand.Read(id[:])
	f.mu.Lock()
	if f.left == 0 {
		f.left = familySize
		copy(f.name[:], id[:])
	}
	f.left--
	copy(id[:], f.name[:])
	f.mu.Unlock()
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
