package memory

import (
	"hash/maphash"
	"iter"

	"github.com/leat-go/leat/backends"
)

// directory finds records by ref. Its key is a hash that each record keeps, so
// that neither adding nor removing one reads its id: with many jobs, each such
// read is a miss of every cache. Two refs of one hash are never seen in
// practice; the second goes to a map of its own.
type directory struct {
	seed   maphash.Seed
	byHash map[uint64]*record
	byRef  map[backends.Ref]*record
}

func newDirectory() directory {
	return directory{seed: maphash.MakeSeed(), byHash: map[uint64]*record{}, byRef: map[backends.Ref]*record{}}
}

func (d *directory) hash(ref backends.Ref) uint64 { return maphash.Comparable(d.seed, ref) }

func (d *directory) find(ref backends.Ref) *record {
	r := d.byHash[d.hash(ref)]
	if r != nil && r.job.Ref != ref {
		return d.byRef[ref]
	}
	if r == nil && len(d.byRef) > 0 { // the first of two has gone
		return d.byRef[ref]
	}
	return r
}

// add adds a record that isn't there.
func (d *directory) add(r *record) {
	r.hash = d.hash(r.job.Ref)
	if d.byHash[r.hash] != nil {
		d.byRef[r.job.Ref] = r
		return
	}
	d.byHash[r.hash] = r
}

func (d *directory) remove(r *record) {
	if len(d.byRef) > 0 && d.byHash[r.hash] != r {
		delete(d.byRef, r.job.Ref)
		return
	}
	delete(d.byHash, r.hash)
}

// clear takes the records that left the store during one call out of the
// directory, together: one after the other, each would wait for memory alone.
func (b *store) clear() {
	for i, r := range b.leaving {
		b.jobs.remove(r)
		b.leaving[i] = nil
	}
	b.leaving = b.leaving[:0]
}

// all yields every record, in no order.
func (d *directory) all() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, r := range d.byHash {
			if !yield(r) {
				return
			}
		}
		for _, r := range d.byRef {
			if !yield(r) {
				return
			}
		}
	}
}
