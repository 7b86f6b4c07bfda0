package protocol

import (
	"fmt"
	"slices"
)

// kind is what went wrong, in Jepsen's words where there is one.
type kind string

const (
	lost       kind = "lost"       // acknowledged, without a final outcome, and no message left
	stuck      kind = "stuck"      // a message that never goes, or a life that never ends
	unexpected kind = "unexpected" // an outcome or event that nobody asked for
	duplicated kind = "duplicated" // two outcomes of one life
	noEvent    kind = "no event"   // an end whose ready event or write-back never left
	wrongEnd   kind = "superseded wrongly"
	outrun     kind = "not superseded"
	illegal    kind = "illegal transition"
	overlap    kind = "not trailing"
	early      kind = "collated early"
)

type violation struct {
	kind
	id   string
	text string
}

func (v violation) String() string { return fmt.Sprintf("%s: %s: %s", v.kind, v.id, v.text) }

func (h *history) violate(k kind, id, format string, args ...any) {
	v := violation{k, id, fmt.Sprintf(format, args...)}
	h.tracef(nil, id, "VIOLATION %v", v)
	h.violations = append(h.violations, v)
}

func (h *history) failed() bool { return len(h.violations) > 0 }

// first is the first violation of this kind.
func (h *history) first(k kind) *violation {
	i := slices.IndexFunc(h.violations, func(v violation) bool { return v.kind == k })
	if i < 0 {
		return nil
	}
	return &h.violations[i]
}

func (h *history) saw(k kind) bool { return h.first(k) != nil }

// succeeded checks a success when it is committed: of the right payload, and not of a job that had been overtaken
// before it was even delivered.
func (h *history) succeeded(k *known, rec record) {
	if rec.outcome != rec.print {
		h.violate(unexpected, rec.id, "result of payload %d in the life of payload %d", rec.outcome, rec.print)
	}
	if k.claim.late {
		h.violate(outrun, rec.id, "succeeded, though a newer one ran when it was claimed")
	}
	if k.claim.stole {
		return
	}
	if n := h.overtaker(rec, func(n *known) bool { return n.acked < k.claim.began }); n != nil {
		h.violate(outrun, rec.id, "succeeded, though %s was acknowledged before it was delivered", n.last.id)
	}
}

// overtaker finds a newer job of the same key.
func (h *history) overtaker(rec record, that func(*known) bool) *known {
	for _, n := range h.all {
		if rec.key != "" && n.last.key == rec.key && n.last.newer(rec) && that(n) {
			return n
		}
	}
	return nil
}

// claimedCollation checks that a collation starts only after its members.
func (h *history) claimedCollation(rec record) {
	if !rec.collates {
		return
	}
	if rec.sealed == 0 {
		h.violate(early, rec.id, "runs unsealed")
	}
	for i := range rec.members {
		if m := h.jobs[memberID(rec.id, i)]; m == nil || len(m.endings) == 0 {
			h.violate(early, rec.id, "runs before member %d ended", i)
		}
	}
}

// close checks what must hold once everything has settled.
func (h *history) close() {
	for _, mid := range h.foreign {
		if k := h.jobs[foreignID(mid)]; k == nil && !h.removed[foreignID(mid)] {
			h.violate(lost, foreignID(mid), "foreign message never became a job")
		} else if k != nil {
			k.acked = min(k.acked, h.now)
		}
	}
	for _, k := range h.all {
		h.closeJob(k.last.id, k)
	}
	for _, m := range h.broker.messages {
		if _, version := h.records.peek(m.id); version != 0 || m.id == "" {
			h.violate(stuck, m.id, "message %d is still there, received %d times", m.mid, m.receives)
		}
	}
}

func (h *history) closeJob(id string, k *known) {
	r := k.last
	if passed, ok := h.revivals[id]; ok && r.generation <= passed {
		h.violate(lost, id, "acknowledged redrive of generation %d never took place", passed)
	}
	switch {
	case r.state.ended():
	case k.revived:
		h.violate(stuck, id, "redriven, but %v", r)
	case k.acked != never:
		h.violate(lost, id, "acknowledged, but %v", r)
	case k.sent:
		h.violate(stuck, id, "sent, but %v", r)
	}
	for _, e := range k.endings {
		h.closeLife(id, k, e)
	}
	if r.state == superseded && h.overtaker(r, func(n *known) bool { return n.acked != never || n.sent }) == nil {
		h.violate(wrongEnd, id, "superseded, but it is the newest that was acknowledged or sent")
	}
}

// closeLife checks that what an end owed has left.
func (h *history) closeLife(id string, k *known, e *ending) {
	if k.acked == never && !k.sent {
		return // nobody was promised anything, and no message exists that could finish it
	}
	if e.events == 0 {
		h.violate(noEvent, id, "generation %d ended %v and no event left", e.generation, e.state)
	}
	if e.state == succeeded && e.writeBacks == 0 {
		h.violate(noEvent, id, "generation %d succeeded and was not written back", e.generation)
	}
}

// overlaps checks that a trailing job lets an older one finish. The other way round, an older one may have stalled on its
// way to its record; then it must not succeed. Two claims at the same moment are told apart by the next look at the pointer.
func (h *history) overlaps(k *known, rec record, began instant) {
	k.claim.late = false
	for _, n := range h.all {
		if rec.key == "" || n == k || n.last.key != rec.key || n.last.state != running || n.last.until < h.now+4*maxSkew {
			continue
		}
		switch {
		case n.last.newer(rec) && n.last.trailing:
			k.claim.late = true
		case rec.trailing && n.last.trailing && n.claim.at < began:
			h.violate(overlap, rec.id, "claimed while the older %s runs", n.last.id)
		}
	}
}

func (r record) newer(than record) bool {
	return r.order > than.order || r.order == than.order && r.id > than.id
}
