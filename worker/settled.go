package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/leat-go/leat/backends"
)

// settled reports whether the handler says that it has committed the job itself.
func settled(err error) bool {
	if err == nil {
		return false
	}
	defer func() { recover() }()
	return errors.Is(err, Settled)
}

// settledByHandler holds a handler to its word: it said that it has committed the
// job itself.
func (a *attempt) settledByHandler(v verdict) verdict {
	ctx, cancel := context.WithTimeout(a.e.hard, callTimeout)
	defer cancel()
	r, err := a.e.store.Lookup(ctx, a.Lease.Job.Ref, 0)
	switch {
	case errors.Is(err, backends.ErrNotFound): // kept for no time at all
		a.confirm(a.record(backends.Succeeded))
		v.err = nil
	case err != nil:
		v.err = fmt.Errorf("the handler has settled the job, it says, and its record can't be read: %w", err)
	case r.Generation == a.Lease.Generation && r.Token == a.Lease.Token && r.State.Ended():
		a.confirm(r)
		v.err = nil
	default:
		v.err = fmt.Errorf("the handler returned Settled, but the job is %v: did its transaction commit?", r.State)
	}
	return v
}

func (a *attempt) confirm(r *backends.Record) {
	a.e.mu.Lock()
	defer a.e.mu.Unlock()
	a.ended, a.unpaid, a.stage = r, r.Owes, confirmed
}
