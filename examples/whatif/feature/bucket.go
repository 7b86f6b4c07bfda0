package feature

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/leat-go/leat/queue"
)

// Bucket is an offline side in any bucket: one object for each change, under the
// day on which it was asked.
//
//	offline/2026-11-26/…hex of the job's id…-1796810000000.json
type Bucket struct{ bucket queue.Bucket }

var _ Offline = Bucket{}

// NewBucket returns an offline side in a bucket.
func NewBucket(bucket queue.Bucket) Bucket { return Bucket{bucket} }

// Append implements Offline. A change has one key, so that a repeated one finds
// itself there.
func (b Bucket) Append(ctx context.Context, c Change) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("feature: %w", err)
	}
	err = b.bucket.Write(ctx, c.key(), data)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("feature: append: %w", err)
	}
	return nil
}

func (c Change) key() string {
	return fmt.Sprintf("%s%s-%d.json", partition(c.At), hex.EncodeToString([]byte(c.Job)), c.Generation)
}

func partition(day time.Time) string { return "offline/" + day.UTC().Format(time.DateOnly) + "/" }

// Day implements Offline.
func (b Bucket) Day(ctx context.Context, day time.Time) ([]Change, error) {
	var all []Change
	for key, err := range b.bucket.List(ctx, partition(day)) {
		if err != nil {
			return nil, fmt.Errorf("feature: list: %w", err)
		}
		c, err := b.read(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("feature: %s: %w", key, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func (b Bucket) read(ctx context.Context, key string) (c Change, err error) {
	object, err := b.bucket.Open(ctx, key)
	if err != nil {
		return c, err
	}
	defer object.Close()
	return c, json.NewDecoder(object).Decode(&c)
}
