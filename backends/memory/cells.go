package memory

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/leat-go/leat/backends"
)

// cells are the store's compare-and-set values.
type cells struct {
	values  map[string]cell
	version uint64
	sweepAt int // number of cells at which expired ones are swept
}

type cell struct {
	value   []byte
	version backends.Version
	expire  int64 // 0 = never
}

// cellsOf are the cells as one opening reaches them.
type cellsOf struct{ *Backend }

// Cells returns the store's cells.
func (b *Backend) Cells() backends.Cells { return cellsOf{b} }

// Get returns a copy of the value.
func (c cellsOf) Get(ctx context.Context, key string, _ backends.Version) ([]byte, backends.Version, error) {
	if err := c.enter(ctx, backends.CheckCell(key, nil)); err != nil {
		return nil, "", err
	}
	defer c.unlock()
	v := c.cells.live(key, c.now())
	return slices.Clone(v.value), v.version, nil
}

// Put writes the value if nobody did meanwhile.
func (c cellsOf) Put(ctx context.Context, key string, value []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	if err := c.enter(ctx, backends.CheckCell(key, value)); err != nil {
		return "", err
	}
	defer c.unlock()
	return c.cells.put(key, value, prev, expire, c.now())
}

func (c *cells) put(key string, value []byte, prev backends.Version, expire time.Time, now int64) (backends.Version, error) {
	if c.live(key, now).version != prev {
		return "", backends.ErrConflict
	}
	c.version++
	v := cell{value: slices.Clone(value), version: backends.Version(strconv.FormatUint(c.version, 10))}
	if !expire.IsZero() {
		v.expire = nanos(expire)
	}
	if c.values == nil {
		c.values = map[string]cell{}
	}
	c.values[key] = v
	c.sweep(now)
	return v.version, nil
}

// nanos is t in Unix nanoseconds, or the nearest time that has such.
func nanos(t time.Time) int64 {
	switch {
	case t.After(time.Unix(0, never)):
		return never
	case t.Before(time.Unix(0, 1)):
		return 1
	}
	return t.UnixNano()
}

// live is the cell, zero if there is none or it has expired.
func (c *cells) live(key string, now int64) cell {
	v := c.values[key]
	if v.expire != 0 && v.expire <= now {
		delete(c.values, key)
		return cell{}
	}
	return v
}

// sweep drops expired cells each time their number has doubled.
func (c *cells) sweep(now int64) {
	if len(c.values) < max(c.sweepAt, 128) {
		return
	}
	for k, v := range c.values {
		if v.expire != 0 && v.expire <= now {
			delete(c.values, k)
		}
	}
	c.sweepAt = 2 * len(c.values)
}
