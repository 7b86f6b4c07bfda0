package broker

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// batch is what a collation's record knows of its members. They are found by
// index, behind a cursor, as no write can reach two records.
type batch struct {
	Sealed  bool  `json:"sealed,omitempty"`
	Members int32 `json:"members,omitempty"` // known once sealed
	Cursor  int32 `json:"cursor,omitempty"`  // so many have ended, from the first on
	Failed  int32 `json:"failed,omitempty"`
}

func newBatch(j *backends.Job) *batch {
	if j.Batch == nil || j.Batch.Hold == 0 {
		return nil
	}
	return &batch{Sealed: j.Batch.Sealed}
}

// complete reports whether the collation may run.
func (b *batch) complete(tolerate int32) bool {
	return b.Sealed && b.Cursor >= b.Members || tolerate >= 0 && b.Failed > tolerate
}

// progress is a lower bound of what the members have come to.
func (b *batch) progress(l backends.Life) *backends.BatchProgress {
	if b == nil {
		return nil
	}
	hold := 0
	if l.Held() {
		hold = int(b.Members-b.Cursor) + 1
		if b.Sealed {
			hold = max(1, hold-1)
		}
	}
	return &backends.BatchProgress{
		Members: int(max(b.Members, b.Cursor)), Ended: int(b.Cursor), Failed: int(b.Failed), Hold: hold, Sealed: b.Sealed,
	}
}

// advance reads on to the first member that has not ended.
func (b *Backend) advance(ctx context.Context, r *record) (batch, error) {
	seen := *r.Batch
	for !seen.complete(r.Job.Batch.Tolerate) {
		ref := backends.Ref{Tenant: r.Job.Tenant, ID: backends.MemberID(r.Job.Batch.Seed, int(seen.Cursor))}
		m, _, err := b.load(ctx, recordKey(ref), "")
		if err != nil {
			return seen, err
		}
		if m == nil || !m.Life.Counted {
			break
		}
		seen.Cursor++
		if m.FirstFailed {
			seen.Failed++
		}
	}
	return seen, nil
}

// collationDelay doubles from 2 s to 5 min.
func collationDelay(sends int) time.Duration {
	return min(5*time.Minute, 2*time.Second<<min(sends, 10))
}

// admits refuses a member that comes too late, or of nothing.
func (b *Backend) admits(ctx context.Context, j *backends.Job, now int64) error {
	c, _, err := b.load(ctx, recordKey(j.Batch.Member), "")
	switch {
	case err != nil:
		return err
	case !c.visible(now) || !c.collates():
		return backends.ErrNotFound
	case c.Life.State.Ended() && c.Redriven == 0:
		return backends.ErrEnded
	case c.Batch.Sealed:
		return backends.ErrSealed
	}
	return nil
}

// seal writes how many members there are. Repeated, it changes nothing.
func (b *Backend) seal(ctx context.Context, key string, members int32) error {
	_, err := b.change(ctx, key, func(r *record) (*record, error) {
		if r.Batch == nil || r.Batch.Sealed {
			return nil, nil
		}
		next := *r
		sealed := *r.Batch
		sealed.Sealed, sealed.Members = true, members
		next.Batch = &sealed
		next.Seq++
		return &next, nil
	})
	return err
}
