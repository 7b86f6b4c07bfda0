package sqlite

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"time"
)

// How does a process learn that another has committed? In WAL mode all who have the file
// open share an index of the log, "file-shm". It begins with a counter of commits
// (iChange in https://www.sqlite.org/walformat.html), so that a look costs one read of a
// few bytes, and no query. Where the file can't be read, PRAGMA data_version tells
// the same at the cost of a query.

// header is the beginning of the index of the log.
type header struct{ f *os.File }

// openHeader opens the index of a file that is open in WAL mode; nil if that can't be.
func openHeader(path string) *header {
	f, err := unpark(path + "-shm")
	if err != nil {
		return nil
	}
	h := &header{f}
	if _, ok := h.read(); !ok {
		_ = park(f)
		return nil
	}
	return h
}

// read returns the counter, and false if the index is being
// written or isn't one.
func (h *header) read() (counter uint32, ok bool) {
	var b [96]byte // two copies of 48 bytes: they differ while one is written
	if _, err := h.f.ReadAt(b[:], 0); err != nil && err != io.EOF {
		return 0, false
	}
	if string(b[:48]) != string(b[48:]) || b[12] == 0 { // isInit
		return 0, false
	}
	return binary.NativeEndian.Uint32(b[8:]), true
}

func (h *header) close() error {
	if h == nil {
		return nil
	}
	return park(h.f)
}

// commits returns the counter of commits, and what a commit of this process adds to it.
// It is called in a transaction that writes.
func (b *store) commits(ctx context.Context) (counter, step uint32, err error) {
	if b.shm != nil {
		if counter, ok := b.shm.read(); ok {
			return counter, 1, nil
		}
	}
	_, err = b.write.row(ctx, `PRAGMA data_version`, nil, &counter)
	return counter, 0, err
}

// counted reports whether a commit that wrote something shows in the counter. It doesn't
// if all that it wrote was there already.
func (b *store) counted(step uint32) bool {
	if step == 0 || b.shm == nil {
		return true
	}
	counter, ok := b.shm.read()
	return !ok || counter != b.commit.Load()
}

// How often a process looks whether another has committed, while somebody is blocked.
// A look costs about a microsecond.
const (
	lookOften  = 5 * time.Millisecond // for a while after something happened
	lookSeldom = 20 * time.Millisecond
	calm       = time.Second
)

// watch tells those who are blocked of what other processes wrote. It rests while
// nobody is.
func (b *store) watch() {
	var seen uint32
	busy := time.Now()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		if !b.hub.anybody() {
			select {
			case <-b.hub.busy:
				continue
			case <-b.done:
				return
			}
		}
		if counter, ok := b.look(); ok && counter != seen && counter != b.commit.Load() {
			seen = counter
			busy = time.Now()
			b.hub.foreign()
		}
		span := lookSeldom
		if time.Since(busy) < calm {
			span = lookOften
		}
		pause.Reset(span)
		select {
		case <-pause.C:
		case <-b.done:
			return
		}
	}
}

// look reads the counter without a transaction.
func (b *store) look() (uint32, bool) {
	if b.shm != nil {
		return b.shm.read()
	}
	var v uint32
	_, err := b.ears.row(context.Background(), `PRAGMA data_version`, nil, &v)
	return v, err == nil
}
