package worker

import (
	"context"
	"errors"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
)

// runWriteBack is the slot's part of announcing.
func (a *attempt) runWriteBack() {
	hook := a.after
	if hook == nil {
		hook = func(ctx context.Context) error { return a.kind.after(ctx, a) }
	}
	err := safely(func() error { return hook(a.ctx) })
	if errors.Is(err, seam.ErrUndecodable) { // it never will
		a.e.watch.unwritable(a, err)
		err = nil
	}
	a.e.watch.wroteBack(a, err)
	if err != nil {
		return
	}
	a.e.mu.Lock()
	a.unpaid &^= backends.WriteBack
	a.e.mu.Unlock()
}
