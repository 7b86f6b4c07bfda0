package linear

import (
	"context"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
)

// Unfenced is a decorator that breaks R5 on purpose, to prove that the check
// would notice: every lease that comes back is taken for the newest of its job,
// as if the token were not looked at.
func Unfenced(b backends.Backend) backends.Backend {
	return &unfenced{Backend: b, newest: map[backends.Ref]*backends.Lease{}}
}

type unfenced struct {
	backends.Backend
	mu     sync.Mutex
	newest map[backends.Ref]*backends.Lease
}

func (u *unfenced) Unwrap() backends.Backend { return u.Backend }

func (u *unfenced) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	leases, err := u.Backend.Claim(ctx, req)
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, l := range leases {
		u.newest[l.Job.Ref] = l
	}
	return leases, err
}

func (u *unfenced) Extend(ctx context.Context, d time.Duration, beats []backends.Beat) ([]error, error) {
	fresh := make([]backends.Beat, len(beats))
	for i, b := range beats {
		fresh[i] = b
		fresh[i].Lease = u.freshest(b.Lease)
	}
	return u.Backend.Extend(ctx, d, fresh)
}

func (u *unfenced) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	fresh := make([]backends.Settlement, len(ss))
	for i, s := range ss {
		fresh[i] = s
		fresh[i].Lease = u.freshest(s.Lease)
	}
	return u.Backend.Settle(ctx, fresh)
}

func (u *unfenced) freshest(l *backends.Lease) *backends.Lease {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n := u.newest[l.Job.Ref]; n != nil {
		return n
	}
	return l
}
