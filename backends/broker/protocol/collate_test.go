package protocol

import (
	"strconv"
	"time"
)

// memberID is known from the batch and the number alone, so a splitter that died sends the same members again.
func memberID(batch string, i int) string { return batch + "/" + strconv.Itoa(i) }

// complete moves the collation's cursor on to the first member that has not ended. The attempt is not used.
func (w *worker) complete(rec *record, version *int) bool {
	was := rec.cursor
	for rec.sealed == 0 || rec.cursor < rec.members {
		member, known := w.records.get(w.process, memberID(rec.id, rec.cursor))
		if known == 0 || !member.state.ended() {
			break
		}
		if member.state != succeeded {
			rec.failed++
		}
		rec.cursor++
	}
	if rec.cursor != was {
		v, ok := w.write(*rec, *version)
		if !ok {
			return false // sealed or cancelled meanwhile: the next delivery reads on
		}
		*version = v
	}
	return rec.sealed != 0 && rec.cursor >= rec.members
}

// collationDelay doubles from 2 s to 5 min.
func collationDelay(receives int) time.Duration {
	return min(maxNack, 2*time.Second<<min(receives, 10))
}

// seal writes the number of members into the collation record: from now on it can be complete.
func (p *process) seal(batch string, members int) {
	for {
		rec, version := p.records.get(p, batch)
		if version == 0 || rec.state.ended() || rec.sealed != 0 {
			return
		}
		rec.sealed, rec.members = 1, members
		if _, ok := p.records.put(p, batch, rec, version, rec.expire); ok {
			return
		}
	}
}
