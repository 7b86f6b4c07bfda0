package sqs

import (
	"context"
	"errors"
	"sync"
)

// rights are looked at before the first receive: who may receive but not delete,
// or not hide, would run every job again and again, and pay for it. A producer
// needs none of them, so that opening doesn't ask.
type rights struct {
	mu   sync.Mutex
	seen bool
}

// noReceipt is none of SQS's. A request with it is refused for the whole, where
// the right is missing, and else for this one entry.
var noReceipt = &receipt{handle: "is-this-allowed"}

func (r *rights) check(ctx context.Context, t *Transport) error {
	r.mu.Lock()
	seen := r.seen
	r.mu.Unlock()
	if seen {
		return nil
	}
	for _, err := range append(t.deleteBatch(ctx, []*receipt{noReceipt}), t.hideBatch(ctx, []hiding{{noReceipt, 0}})...) {
		if errors.Is(err, ErrDenied) {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	r.seen = true
	r.mu.Unlock()
	return nil
}
