package broker

import (
	"context"
	"time"

	"github.com/leat-go/leat/backends"
)

// Cells returns the small values beside the jobs, in the same store.
func (b *Backend) Cells() backends.Cells {
	if b.records == nil {
		return backends.NoCells
	}
	return cells{b}
}

type cells struct{ b *Backend }

func (c cells) Get(ctx context.Context, key string, hint backends.Version) ([]byte, backends.Version, error) {
	if err := backends.CheckCell(key, nil); err != nil {
		return nil, "", err
	}
	ctx, leave, err := c.b.enter(ctx)
	if err != nil {
		return nil, "", err
	}
	defer leave()
	v, version, err := c.b.records.Get(ctx, cellPrefix+hashed("cell", key), hint)
	return v, version, c.b.why(err)
}

func (c cells) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	if err := backends.CheckCell(key, v); err != nil {
		return "", err
	}
	ctx, leave, err := c.b.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	version, err := c.b.records.Put(ctx, cellPrefix+hashed("cell", key), v, prev, expire)
	return version, c.b.why(err)
}
