package filebucket

import (
	"errors"
	"io/fs"
	"path"
	"time"
)

// tempDir is where files are until they have a key. No key has a '_'.
const tempDir = "_temp"

// stale is the age from which a file in tempDir is taken for one of a writer
// that died. A writer that sleeps longer finds its file gone, and fails.
const stale = time.Hour

// clear removes what writers left that died.
func (b *Bucket) clear() error {
	entries, err := b.readDir(tempDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < stale {
			continue // being written, or removed just now
		}
		if err := b.root.Remove(path.Join(tempDir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
