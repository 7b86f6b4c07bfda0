package filebucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"
)

// renameClaimed gives temp its key where there are no hard links. Rename alone
// would overwrite; whoever made the claim may look first. Two Buckets must not
// link and rename in one folder at the same time, which one file system sees to.
func (b *Bucket) renameClaimed(ctx context.Context, temp, key string) error {
	claim := claimOf(key)
	if err := b.claim(ctx, claim); err != nil {
		return err
	}
	defer b.root.Remove(claim)
	switch _, err := b.root.Lstat(key); {
	case err == nil:
		return fs.ErrExist
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return b.root.Rename(temp, key)
}

// claimOf is the file that says that somebody is about to rename to key.
func claimOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return path.Join(tempDir, "claim-"+hex.EncodeToString(sum[:]))
}

// claim waits a little for another writer of the key: it is there for a rename
// only. One that died keeps its claim until clear finds it old; that mustn't
// read as if the object were there.
func (b *Bucket) claim(ctx context.Context, name string) error {
	const pause, pauses = 5 * time.Millisecond, 200
	for range pauses {
		f, err := b.create(name)
		if err == nil {
			return f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return fmt.Errorf("%s: another writer of this key is at it, or died within the last %v", name, stale)
}
