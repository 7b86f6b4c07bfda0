package sqlite

import (
	"errors"
	"os"
	"slices"
	"sync"
)

// When a process closes any descriptor of a file, POSIX drops all locks that it has on
// that file (https://www.sqlite.org/howtocorrupt.html, 2.2). Another store, or a transaction
// of the caller's, may be open on the same one, and would go on to write without its
// lock. So the descriptor of an index of the log is closed once SQLite has deleted the
// file, which the last who had it open does; until then it is parked, for whoever opens
// the file next.
var parked struct {
	sync.Mutex
	files []*os.File
}

// unpark opens a file, by a parked descriptor if there is one.
func unpark(path string) (*os.File, error) {
	parked.Lock()
	defer parked.Unlock()
	at, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	for i, f := range parked.files {
		if is, err := f.Stat(); err == nil && os.SameFile(at, is) {
			parked.files = slices.Delete(parked.files, i, i+1)
			return f, nil
		}
	}
	return os.Open(path)
}

// park gives a descriptor up, and closes those that are of no use any more.
func park(f *os.File) (err error) {
	parked.Lock()
	defer parked.Unlock()
	parked.files = slices.DeleteFunc(append(parked.files, f), func(f *os.File) bool {
		gone := deleted(f)
		if gone {
			err = errors.Join(err, f.Close())
		}
		return gone
	})
	return err
}

// deleted reports whether the file isn't where it was opened.
func deleted(f *os.File) bool {
	is, err := f.Stat()
	if err != nil {
		return false
	}
	at, err := os.Stat(f.Name())
	return errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(at, is)
}
