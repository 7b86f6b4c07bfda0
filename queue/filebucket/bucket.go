package filebucket

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/leat-go/leat/queue"
)

// Objects may hold what nobody else on the machine may see.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// Bucket is a folder. Any number of Buckets, in one process or several, may be
// open on one folder.
type Bucket struct {
	root *os.Root
	link func(from, to string) error // root.Link; tests take it away
}

var _ queue.Bucket = (*Bucket)(nil)

// New opens the folder dir, and makes it, with those above it, if it isn't there.
func New(dir string) (*Bucket, error) {
	if dir == "" {
		return nil, &queue.InvalidError{Field: "filebucket.New dir", Reason: "is empty"}
	}
	if err := makeDir(filepath.Clean(dir)); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	b := &Bucket{root: root, link: root.Link}
	if err := b.clear(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return b, nil
}

// Close gives the folder's descriptor back. Later calls fail with fs.ErrClosed;
// objects that were opened stay readable.
func (b *Bucket) Close() error { return b.root.Close() }

// Open implements [queue.Bucket].
func (b *Bucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := cmp.Or(ctx.Err(), check(key)); err != nil {
		return nil, err
	}
	info, err := b.lookup(key)
	if err != nil {
		return nil, err
	}
	if info == nil {
		return nil, &fs.PathError{Op: "open", Path: key, Err: fs.ErrNotExist}
	}
	return b.root.Open(key)
}

// Delete implements [queue.Bucket]. It takes folders away that it has emptied.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := cmp.Or(ctx.Err(), check(key)); err != nil {
		return err
	}
	info, err := b.lookup(key)
	if err != nil || info == nil {
		return err
	}
	if err := b.root.Remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if b.root.Remove(dir) != nil { // not empty; Write makes it again if it needs it
			break
		}
	}
	return nil
}

// lookup returns nil if there is no object of that key. What isn't a plain file
// is none: opening a pipe would block, and a folder has no bytes.
func (b *Bucket) lookup(key string) (fs.FileInfo, error) {
	info, err := b.root.Lstat(key)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // a/b, where a is an object
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, nil
	}
	return info, nil
}
