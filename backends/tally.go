package backends

// Tally is what a collation job knows of its members (R14), the same for every store
// that counts them in the commit of each member's end. It is a value that the store keeps
// beside the Life; the zero Tally is that of a job without members.
type Tally struct {
	Hold     int  `json:"hold,omitempty"`     // claimable when 0
	Tolerate int  `json:"tolerate,omitempty"` // as Batch.Tolerate
	Members  int  `json:"members,omitempty"`
	Ended    int  `json:"ended,omitempty"`
	Failed   int  `json:"failed,omitempty"`
	Sealed   bool `json:"sealed,omitempty"`
}

// NewTally is that of a new job; nil if it collates nothing.
func NewTally(b *Batch) *Tally {
	if b == nil || (b.Hold == 0 && !b.Sealed) {
		return nil
	}
	n := &Tally{Hold: int(b.Hold), Tolerate: int(b.Tolerate)}
	if b.Sealed {
		n.Seal()
	}
	return n
}

// Holds reports whether members hold the collation job back, were it waiting.
func (n *Tally) Holds() bool { return n != nil && n.Hold > 0 }

// Refuses says why a batch takes no new member: its collation job, which is nowhere (nil)
// or has ended, or is sealed. nil = it takes one.
func (n *Tally) Refuses(collation State) error {
	switch {
	case n == nil:
		return ErrNotFound
	case collation.Ended():
		return ErrEnded
	case n.Sealed:
		return ErrSealed
	}
	return nil
}

// Join counts a member that was just created. It holds the collation job if that is held:
// one that has been let go is not caught again.
func (n *Tally) Join(held bool) {
	n.Members++
	if held {
		n.Hold++
	}
}

// Leave counts a member's first end.
func (n *Tally) Leave(end State) {
	n.Ended++
	if end.Failed() {
		n.Failed++
	}
	n.Hold = max(0, n.Hold-1)
	if n.Tolerate >= 0 && n.Failed > n.Tolerate {
		n.Hold = 0
	}
}

// Seal takes back the hold that the collation job was created with, once.
func (n *Tally) Seal() {
	if !n.Sealed {
		n.Sealed = true
		n.Hold = max(0, n.Hold-1)
	}
}

// Progress is n as callers see it; nil of a job without members.
func (n *Tally) Progress() *BatchProgress {
	if n == nil {
		return nil
	}
	return &BatchProgress{Members: n.Members, Ended: n.Ended, Failed: n.Failed, Hold: n.Hold, Sealed: n.Sealed}
}
