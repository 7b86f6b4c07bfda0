package backendtest

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// The verbs of Faulty: each is the same verb of the Backend inside, struck.

func (f *Faulty) Enqueue(ctx context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	return strike(ctx, f, Enqueue, func() ([]backends.Enqueued, error) { return f.Backend.Enqueue(ctx, req) })
}

func (f *Faulty) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	return strike(ctx, f, Claim, func() ([]*backends.Lease, error) { return f.Backend.Claim(ctx, req) })
}

func (f *Faulty) Extend(ctx context.Context, d time.Duration, beats []backends.Beat) ([]error, error) {
	return strike(ctx, f, Extend, func() ([]error, error) { return f.Backend.Extend(ctx, d, beats) })
}

func (f *Faulty) Settle(ctx context.Context, s []backends.Settlement) ([]error, error) {
	return strike(ctx, f, Settle, func() ([]error, error) { return f.Backend.Settle(ctx, s) })
}

func (f *Faulty) Lookup(ctx context.Context, ref backends.Ref, since uint64) (*backends.Record, error) {
	return strike(ctx, f, Lookup, func() (*backends.Record, error) { return f.Backend.Lookup(ctx, ref, since) })
}

func (f *Faulty) Cells() backends.Cells { return faultyCells{f.Backend.Cells(), f} }

// Unwrap lets backends.As look inside, where an Operator fails as it should.
func (f *Faulty) Unwrap() backends.Backend {
	if op, ok := backends.As[backends.Operator](f.Backend); ok {
		return faultyOperator{f.Backend, op, f}
	}
	return f.Backend
}

type faultyCells struct {
	inside backends.Cells
	f      *Faulty
}

func (c faultyCells) Get(ctx context.Context, key string, hint backends.Version) ([]byte, backends.Version, error) {
	type read struct {
		value   []byte
		version backends.Version
	}
	r, err := strike(ctx, c.f, CellGet, func() (read, error) {
		value, version, err := c.inside.Get(ctx, key, hint)
		return read{value, version}, err
	})
	return r.value, r.version, err
}

func (c faultyCells) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	return strike(ctx, c.f, CellPut, func() (backends.Version, error) { return c.inside.Put(ctx, key, v, prev, expire) })
}

// faultyOperator is a link of the chain that As follows, only there if the
// Backend inside is operated, too.
type faultyOperator struct {
	backends.Backend
	op backends.Operator
	f  *Faulty
}

func (o faultyOperator) Unwrap() backends.Backend { return o.Backend }

func (o faultyOperator) Stats(ctx context.Context, queue string) (backends.Stats, error) {
	return strike(ctx, o.f, Stats, func() (backends.Stats, error) { return o.op.Stats(ctx, queue) })
}

func (o faultyOperator) List(ctx context.Context, req backends.ListRequest) (backends.Page, error) {
	return strike(ctx, o.f, List, func() (backends.Page, error) { return o.op.List(ctx, req) })
}

func (o faultyOperator) Cancel(ctx context.Context, refs []backends.Ref) ([]error, error) {
	return strike(ctx, o.f, Cancel, func() ([]error, error) { return o.op.Cancel(ctx, refs) })
}

func (o faultyOperator) Redrive(ctx context.Context, jobs []backends.Redrive) ([]error, error) {
	return strike(ctx, o.f, Redrive, func() ([]error, error) { return o.op.Redrive(ctx, jobs) })
}

func (o faultyOperator) Purge(ctx context.Context, req backends.PurgeRequest) (int, error) {
	return strike(ctx, o.f, Purge, func() (int, error) { return o.op.Purge(ctx, req) })
}

func (o faultyOperator) Pause(ctx context.Context, queue string, paused bool) error {
	_, err := strike(ctx, o.f, Pause, func() (struct{}, error) { return struct{}{}, o.op.Pause(ctx, queue, paused) })
	return err
}
