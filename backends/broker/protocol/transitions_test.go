package protocol

import "fmt"

// legal is the one table of legal transitions: every write of a record is a row of it, or a violation.
func legal(old, new record, now instant) error {
	same := old.generation == new.generation && old.token == new.token && old.attempt == new.attempt
	switch {
	case old.state == none && new.state == waiting && new.token == 0:
	case old.state.ended() && new.state == waiting && old.expire <= now+maxSkew && new.generation > old.generation: // a new life
	case old.revivable() && new.state == waiting && new.generation == old.generation+1 && new.token == old.token: // redrive
	case old.state.ended() && new.state == old.state && same && new.event() == old.event(): // the payload enters, sent
	case old.state == waiting && new.state == waiting && same: // sealed, cursor, sent
	case old.state == waiting && new.state.ended() && new.state != succeeded && same:
	case old.state == waiting && new.state == running:
		return claimCounts(old, new, old.crashes)
	case old.state == running && new.state == running && same: // progress, cancel mark
	case old.state == running && new.state == running:
		return claimCounts(old, new, old.crashes+1)
	case old.state == running && new.state == waiting && old.token == new.token && old.generation == new.generation && !old.cancel:
	case old.state == running && new.state == succeeded && same && !old.cancel:
	case old.state == running && new.state.ended() && new.state != succeeded && same:
	default:
		return fmt.Errorf("%s → %s", old, new)
	}
	return nil
}

// claimCounts: token + 1 and attempt + 1 at the claim, before the handler runs.
func claimCounts(old, new record, crashes int) error {
	if new.token != old.token+1 || new.attempt != old.attempt+1 || new.crashes != crashes || new.generation != old.generation {
		return fmt.Errorf("claim miscounts: %s → %s", old, new)
	}
	return nil
}

func (r record) String() string {
	return fmt.Sprintf("%v(generation %d token %d attempt %d crashes %d holder %d)", r.state, r.generation, r.token, r.attempt, r.crashes, r.holder)
}
