package protocol

// expiry is until when an ended record is kept: as long as any message of it may still be in the queue, whatever its owner wants.
// Late messages have to find it: one that still has to announce the end, one that was delayed, a collation behind its cursor.
func (p *process) expiry() instant {
	if !p.rules.endsOutliveQueue {
		return p.clock() + retention
	}
	return p.clock() + max(retention, queueRetention)
}
