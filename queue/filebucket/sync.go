package filebucket

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"syscall"
)

// makeDir is os.MkdirAll that syncs: a folder made just now is an entry of the
// one above it, and would be lost with it.
func makeDir(dir string) error {
	above := filepath.Dir(dir)
	err := os.Mkdir(dir, dirMode)
	if errors.Is(err, fs.ErrNotExist) && above != dir {
		if err := makeDir(above); err != nil {
			return err
		}
		err = os.Mkdir(dir, dirMode) // once: a link to nowhere is there, and takes no folders
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil // if it's a file, opening it says so
	case err != nil:
		return err
	}
	f, err := os.Open(above)
	if err != nil {
		return err
	}
	return syncDir(f)
}

// syncAbove syncs every folder on the way to key. Those that were there already
// are not left out: their maker may be another process, not yet so far. To sync
// what hasn't changed costs a call and no write.
func (b *Bucket) syncAbove(key string) error {
	for dir := key; dir != "."; {
		dir = path.Dir(dir)
		f, err := b.root.Open(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a Delete meanwhile took the object, and with it the folder
		}
		if err != nil {
			return err
		}
		if err := syncDir(f); err != nil {
			return err
		}
	}
	return nil
}

// syncDir syncs a folder and closes it. Where folders can't be synced, the
// system keeps them safe by itself, or nobody can.
func syncDir(f *os.File) error {
	err := f.Sync()
	if runtime.GOOS == "windows" || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, f.Close())
}
