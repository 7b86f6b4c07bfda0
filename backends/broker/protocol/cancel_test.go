package protocol

// cancel ends a waiting job at once, and marks a running one. Its message comes by later and finishes the rest.
func (p *process) cancel(id string) {
	for {
		rec, version := p.records.get(p, id)
		switch {
		case version == 0, rec.state.ended(), rec.cancel:
			return
		case rec.state == waiting:
			rec = rec.end(cancelled, 0, p.expiry())
		case rec.state == running:
			rec.cancel = true
		}
		if _, ok := p.records.put(p, id, rec, version, rec.expire); ok {
			return
		}
	}
}
