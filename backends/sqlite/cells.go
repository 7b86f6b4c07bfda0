package sqlite

import (
	"context"
	"strconv"
	"time"

	"github.com/leat-go/leat/backends"
)

// cells are the store's compare-and-set values, in a table.
type cells struct{ *Backend }

// Cells returns the store's cells.
func (b *Backend) Cells() backends.Cells { return cells{b} }

// Get returns the value and its version.
func (c cells) Get(ctx context.Context, key string, _ backends.Version) ([]byte, backends.Version, error) {
	if err := c.knock(ctx, key, nil); err != nil {
		return nil, "", err
	}
	defer c.calls.Done()
	now, _ := c.clock.read()
	v, version, err := cell(ctx, c.reader(), key, now)
	return v, versionOf(version), err
}

// Put writes the value if nobody did meanwhile.
func (c cells) Put(ctx context.Context, key string, value []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	if err := c.knock(ctx, key, value); err != nil {
		return "", err
	}
	defer c.calls.Done()
	var out backends.Version
	var refused error
	err := c.run(ctx, func(ctx context.Context, t *txn) (err error) {
		out, refused, err = t.put(ctx, key, value, prev, expire)
		return err
	})
	if err == nil {
		err = refused
	}
	return out, err
}

func (c cells) knock(ctx context.Context, key string, value []byte) error {
	if err := backends.CheckCell(key, value); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.enter()
}

// cell reads what is there now; version 0 if nothing is.
func cell(ctx context.Context, s *session, key string, now int64) (value []byte, version int64, err error) {
	_, err = s.row(ctx, `SELECT value, version FROM leat_cells WHERE key = ? AND (expire = 0 OR expire > ?)`, []any{key, now}, &value, &version)
	return value, version, err
}

func versionOf(n int64) backends.Version {
	if n == 0 {
		return ""
	}
	return backends.Version(strconv.FormatInt(n, 10))
}

// put writes a value under a version that no value had before.
func (t *txn) put(ctx context.Context, key string, value []byte, prev backends.Version, expire time.Time) (backends.Version, error, error) {
	_, have, err := cell(ctx, t.session, key, t.now)
	if err != nil {
		return "", nil, err
	}
	if versionOf(have) != prev {
		return "", backends.ErrConflict, nil
	}
	var next int64
	if _, err := t.row(ctx, `UPDATE leat_counters SET value = value + 1 WHERE name = 'cells' RETURNING value`, nil, &next); err != nil {
		return "", nil, err
	}
	t.wrote = true
	if value == nil {
		value = []byte{}
	}
	if err := t.run(ctx, `DELETE FROM leat_cells WHERE expire BETWEEN 1 AND ?`, t.now); err != nil {
		return "", nil, err
	}
	err = t.run(ctx, `INSERT INTO leat_cells VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version, expire = excluded.expire`,
		key, value, next, nanos(expire))
	return versionOf(next), nil, err
}

// nanos is t in Unix nanoseconds, or the nearest time that has such; 0 for none.
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.After(time.Unix(0, never)):
		return never
	case t.Before(time.Unix(0, 1)):
		return 1
	}
	return t.UnixNano()
}
