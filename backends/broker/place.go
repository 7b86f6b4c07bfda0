package broker

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// pointer names the newest job of a supersede key, and those that run, which a
// trailing newest waits for.
type pointer struct {
	Order    int64    `json:"order"`
	ID       string   `json:"id"`
	Trailing bool     `json:"trailing,omitempty"`
	Running  []runner `json:"running,omitempty"`
}

type runner struct {
	ID    string `json:"id"`
	Until int64  `json:"until"`
}

// below compares by order, then by id: two producers may have read the same
// pointer in the same instant.
func (p pointer) below(r *record) bool {
	return p.ID == "" || p.Order < r.Order || p.Order == r.Order && p.ID < r.Job.ID
}

func (p pointer) above(r *record) bool {
	return p.Order > r.Order || p.Order == r.Order && p.ID > r.Job.ID
}

// overtaken is what claim, beat and settlement ask. A trailing newest spares
// those that the pointer names as running, and none else.
func (p pointer) overtaken(r *record) backends.Overtaken {
	switch {
	case r.Job.Supersede == "" || !p.above(r):
		return backends.Newest
	case p.Trailing && (r.Life.State != backends.Running || p.names(r.Job.ID)):
		return backends.ByTrailing
	}
	return backends.ByNewer
}

func (p pointer) names(id string) bool {
	return slices.ContainsFunc(p.Running, func(x runner) bool { return x.ID == id })
}

// raised names r as the newest, unless a newer one is named.
func (p pointer) raised(r *record) pointer {
	if p.below(r) {
		p.Order, p.ID, p.Trailing = r.Order, r.Job.ID, r.Job.Trailing
	}
	return p
}

// running names r as one that runs, and forgets those that can't any more.
func (p pointer) running(r *record, now, until int64) pointer {
	others := slices.DeleteFunc(slices.Clone(p.Running), func(x runner) bool { return x.ID == r.Job.ID || x.Until <= now })
	p.Running = append(others, runner{r.Job.ID, until})
	return p
}

func (b *Backend) pointerOf(ctx context.Context, r *record) (p pointer, v backends.Version, err error) {
	if r.Job.Supersede == "" {
		return p, "", nil
	}
	raw, v, err := b.records.Get(ctx, placeKey(r.Queue, r.Job.Tenant, r.Job.Supersede), "")
	if err != nil || v == "" {
		return p, v, err
	}
	return p, v, json.Unmarshal(raw, &p)
}

func (b *Backend) putPointer(ctx context.Context, r *record, p pointer, prev backends.Version) error {
	_, err := b.records.Put(ctx, placeKey(r.Queue, r.Job.Tenant, r.Job.Supersede), quoted(p), prev, time.Time{})
	return err
}

// raise makes the pointer name r, never an older job than it names. It returns
// the id of the job that was named before.
func (b *Backend) raise(ctx context.Context, r *record) (before string, err error) {
	for range tries {
		p, v, err := b.pointerOf(ctx, r)
		if err != nil || !p.below(r) {
			return "", err
		}
		if err = b.putPointer(ctx, r, p.raised(r), v); !errors.Is(err, backends.ErrConflict) {
			return p.ID, err
		}
	}
	return "", errBusy
}

// takePlace raises the pointer and ends the job before, if it waits. That is for
// those who look: its own message would end it as well.
func (b *Backend) takePlace(ctx context.Context, r *record) error {
	before, err := b.raise(ctx, r)
	if err != nil || before == "" || before == r.Job.ID {
		return err
	}
	return b.endOvertaken(ctx, recordKey(backends.Ref{Tenant: r.Job.Tenant, ID: before}))
}

// endOvertaken ends a waiting job that isn't the newest of its place. Its message has
// the end announced, or one of its own where that is far away.
func (b *Backend) endOvertaken(ctx context.Context, key string) error {
	far := false
	r, err := b.change(ctx, key, func(r *record) (*record, error) {
		if r.Life.State != backends.Waiting {
			return nil, nil
		}
		p, _, err := b.pointerOf(ctx, r)
		if err != nil || p.overtaken(r) == backends.Newest {
			return nil, err
		}
		now, policy := time.Now().UnixNano(), b.policy()
		next := r.moved(r.Life.Supersede(r.facts(now, policy), p.Trailing), now, policy)
		next.SupersededBy = p.ID
		if next.Life.State != backends.Superseded {
			next.SupersededBy = ""
		}
		far = r.farAway()
		return next, nil
	})
	if err != nil || !far || !r.owing() {
		return err
	}
	return b.wake(ctx, r)
}

// mustTrail reports whether an older job of the place still runs, which a
// trailing one lets finish.
func (b *Backend) mustTrail(ctx context.Context, r *record, p pointer, now int64) (bool, error) {
	if !r.Job.Trailing {
		return false, nil
	}
	for _, x := range p.Running {
		if x.ID == r.Job.ID || x.Until <= now {
			continue
		}
		other, _, err := b.load(ctx, recordKey(backends.Ref{Tenant: r.Job.Tenant, ID: x.ID}), "")
		if err != nil {
			return false, err
		}
		if other != nil && other.Life.State == backends.Running {
			return true, nil
		}
	}
	return false, nil
}
