package sqlite

import (
	"errors"
	"fmt"
	"strings"

	"github.com/leat-go/leat/backends"
)

// What the file or its file system may answer, by errors.Is. The driver's own error is
// in the chain. A write that got one of them may be repeated as the contract
// says; nothing that was acknowledged is lost.
var (
	ErrFull        = errors.New("disk is full")
	ErrReadOnly    = errors.New("file or directory is read-only")
	ErrLocked      = errors.New("another program holds the lock of the file")
	ErrCorrupt     = errors.New("file is damaged")
	ErrNotDatabase = errors.New("not an SQLite file, or an encrypted one")
	ErrIO          = errors.New("the file system failed")
	ErrNoFile      = errors.New("file can't be opened or made")
	ErrGone        = errors.New("file was removed, moved or replaced while it was open")
	ErrSchema      = errors.New("schema doesn't fit this program")
	ErrNetwork     = errors.New("file is on a network file system, where locks and shared memory can't be trusted")
)

// causes are the words of sqlite3_errstr, which every driver has in its errors, whatever
// its types are.
var causes = []struct {
	words string
	is    error
}{
	{"database or disk is full", ErrFull},
	{"no space left on device", ErrFull},
	{"disk I/O error (4874)", ErrFull}, // no room for the index of the log
	{"readonly database", ErrReadOnly},
	{"database is locked", ErrLocked},
	{"database table is locked", ErrLocked},
	{"disk image is malformed", ErrCorrupt},
	{"file is not a database", ErrNotDatabase},
	{"disk I/O error", ErrIO},
	{"unable to open database file", ErrNoFile},
	{"no such table", ErrSchema},
	{"no such column", ErrSchema},
	{"has no column named", ErrSchema},
	{"already exists", ErrSchema},
}

// classified adds the meaning of a driver's error.
func classified(err error) error {
	text := err.Error()
	for _, c := range causes {
		if strings.Contains(text, c.words) {
			return fmt.Errorf("%w: %w", c.is, err)
		}
	}
	return err
}

// ofFile reports whether an error speaks of the file, and not of what was written.
func ofFile(err error) bool {
	for _, c := range causes {
		if errors.Is(err, c.is) {
			return true
		}
	}
	return errors.Is(err, ErrGone)
}

func invalid(field, reason string) error {
	return &backends.InvalidError{Field: field, Reason: reason}
}
