package filebucket

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// chunk is how much is written between two looks at the context.
const chunk = 1 << 20

// Write implements [queue.Bucket].
func (b *Bucket) Write(ctx context.Context, key string, data []byte) error {
	if err := cmp.Or(ctx.Err(), check(key)); err != nil {
		return err
	}
	err := b.put(ctx, key, data)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// A key that exists may be of a writer that died before this.
	if unsynced := b.syncAbove(key); unsynced != nil {
		if err == nil {
			b.root.Remove(key) // or the next try would take it for safe
		}
		return unsynced
	}
	return err
}

// put makes the object, not yet synced as an entry of its folder.
func (b *Bucket) put(ctx context.Context, key string, data []byte) error {
	if info, err := b.lookup(key); err != nil || info != nil {
		return cmp.Or(err, exists(key)) // place would find out too, after the work
	}
	temp, err := b.stage(ctx, data)
	if err != nil {
		return err
	}
	defer b.root.Remove(temp)
	return b.place(ctx, temp, key)
}

// stage puts data under a name that no key has, and syncs it.
func (b *Bucket) stage(ctx context.Context, data []byte) (name string, err error) {
	name = path.Join(tempDir, rand.Text())
	f, err := b.create(name)
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			b.root.Remove(name)
		}
	}()
	for r := bytes.NewBuffer(data); r.Len() > 0; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if _, err := f.Write(r.Next(chunk)); err != nil {
			return "", err
		}
	}
	return name, f.Sync()
}

// create makes a file in the folder for temporary ones, and that if need be.
func (b *Bucket) create(name string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := b.root.OpenFile(name, flags, fileMode)
	if errors.Is(err, fs.ErrNotExist) {
		if err := b.root.MkdirAll(tempDir, dirMode); err != nil {
			return nil, err
		}
		return b.root.OpenFile(name, flags, fileMode)
	}
	return f, err
}

// place gives the finished file its key, or returns an error that matches
// fs.ErrExist.
func (b *Bucket) place(ctx context.Context, temp, key string) error {
	const tries = 1000
	var err error
	for range tries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.makeFolder(path.Dir(key)); err != nil {
			return err
		}
		err = b.link(temp, key)
		if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) { // EPERM is what FAT says
			err = b.renameClaimed(ctx, temp, key)
		}
		switch {
		case errors.Is(err, fs.ErrExist):
			return b.taken(key)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		// A Delete found the folder empty, between the two steps: once more.
	}
	return err
}

// makeFolder hides errors that would read as if the object were there.
func (b *Bucket) makeFolder(dir string) error {
	if dir == "." {
		return nil
	}
	err := b.root.MkdirAll(dir, dirMode)
	switch {
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTDIR):
		// MkdirAll says so too when a Delete took away what it had just found there.
		if b.belowObject(dir) {
			return invalid("is below another key")
		}
		return nil
	case errors.Is(err, fs.ErrNotExist): // a Delete meanwhile: place comes again
		return nil
	}
	return err
}

// belowObject reports whether dir, or what is above it, is there and no folder.
func (b *Bucket) belowObject(dir string) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		info, err := b.root.Lstat(dir)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			info, err = b.root.Stat(dir)
			return err != nil || !info.IsDir()
		}
		if err == nil {
			return !info.IsDir()
		}
	}
	return false
}

// taken is why key can't be given: mostly since the object is there.
func (b *Bucket) taken(key string) error {
	if info, err := b.root.Lstat(key); err == nil && info.IsDir() {
		return invalid("is the folder of other keys")
	}
	return exists(key)
}

func exists(key string) error { return &fs.PathError{Op: "write", Path: key, Err: fs.ErrExist} }
