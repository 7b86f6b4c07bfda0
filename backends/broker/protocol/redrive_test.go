package protocol

// redrive asks for one more life of a dead or cancelled job, by a message of the next generation. Done again it does nothing
// new. Not ready: its payload is not in the record yet.
func (p *process) redrive(id string, generation int64) (ready bool) {
	rec, version := p.records.get(p, id)
	if version == 0 || rec.generation != generation || !rec.revivable() {
		return true // done before
	}
	if rec.payload == 0 {
		return false
	}
	m := rec.message(rec.payload, 0)
	m.generation, m.due = generation+1, p.clock()
	if rec.expire != unexpired && p.rules.redriveKeepsRecord { // the message may come when the retention is over
		rec.expire = unexpired
		if version, ready = p.records.put(p, id, rec, version, rec.expire); !ready {
			return false // look again
		}
	}
	if !p.rules.redriveByMessage {
		if _, ok := p.records.put(p, id, rec.revived(m.generation, p.clock()), version, unexpired); !ok {
			return true
		}
	}
	p.dispatch(m)
	return true
}

func (r record) revivable() bool { return r.state == dead || r.state == cancelled }

// revive starts the next generation when its message is claimed. What the old end owes leaves first: after this write
// nobody can tell any more.
func (w *worker) revive(d delivery, rec record, version int) {
	if w.rules.reviveAnnounces {
		w.announce(rec)
	}
	w.write(rec.revived(d.generation, w.clock()), version) // a conflict is seen by who looks again
}
