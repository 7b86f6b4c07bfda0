package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

// How does a process learn that another has committed? In WAL mode all who have the file
// open share an index of the log, "file-shm". It begins with a counter of commits
// (iChange in https://www.sqlite.org/walformat.html), so that a look costs one read of a
// few bytes, and no query. Where the file can't be read, PRAGMA data_version tells
// the same at the cost of a query.

// header is the beginning of the index of the log.
type header struct {
	f    *os.File
	info os.FileInfo
	path string
	uses int
}

// headers are those of this process. On POSIX a process loses all its locks of a file
// when it closes any descriptor of it, those of SQLite too. So a descriptor is shared,
// and kept for as long as its file has a name: SQLite takes the name away when
// the last one closes.
var headers struct {
	mu  sync.Mutex
	all []*header
}

// openHeader opens the index of a file that is open in WAL mode; nil if that can't be.
func openHeader(path string) *header {
	headers.mu.Lock()
	defer headers.mu.Unlock()
	sweepHeaders()
	h := headerOf(path + "-shm")
	if h == nil {
		return nil
	}
	if _, ok := h.read(); !ok {
		return nil
	}
	h.uses++
	return h
}

// headerOf finds or opens what is at a path.
func headerOf(path string) *header {
	for _, h := range headers.all {
		if h.path == path && h.named() {
			return h
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	h := &header{f: f, path: path}
	h.info, _ = f.Stat()
	headers.all = append(headers.all, h)
	return h
}

// named reports whether the file is still the one of its name.
func (h *header) named() bool { return isAt(h.path, h.info) }

// isAt reports whether a path still leads to a file.
func isAt(path string, file os.FileInfo) bool {
	have, err := os.Stat(path)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // who knows
	}
	return os.SameFile(have, file)
}

// sweepHeaders closes what nobody can have locked.
func sweepHeaders() {
	headers.all = slices.DeleteFunc(headers.all, func(h *header) bool {
		if h.uses > 0 || h.named() {
			return false
		}
		_ = h.f.Close()
		return true
	})
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

// close is called when SQLite has closed the file, as far as it is the store's.
func (h *header) close() {
	if h == nil {
		return
	}
	headers.mu.Lock()
	defer headers.mu.Unlock()
	h.uses--
	sweepHeaders()
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
	lookOften  = 5 * time.Millisecond // in the second after another has written
	lookSeldom = 20 * time.Millisecond
	lookRarely = 100 * time.Millisecond // when nobody has for a minute
)

// pause is how long to wait for the next look, by the time since another has written.
func pause(since time.Duration) time.Duration {
	switch {
	case since < time.Second:
		return lookOften
	case since < time.Minute:
		return lookSeldom
	}
	return lookRarely
}

// watch tells those who are blocked of what other processes wrote. It rests while
// nobody is.
func (b *store) watch() {
	var seen uint32
	busy := time.Now()
	asked := busy // whether the file is still there
	held := false // a jump of the clock is
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		if !b.hub.anybody() {
			select {
			case <-b.hub.busy:
				busy = time.Now().Add(-time.Second)
				continue
			case <-b.done:
				return
			}
		}
		if counter, ok := b.look(); ok && counter != seen && counter != b.commit.Load() {
			seen = counter
			busy = time.Now()
			b.foreign()
		}
		if now, from := b.clock.read(); held != (now < from) {
			if held = now < from; !held { // time has moved, and with it what is due
				b.everybody()
			}
		}
		if time.Since(asked) > time.Second {
			asked = time.Now()
			if b.there() != nil {
				b.everybody()
			}
		}
		wait := pause(time.Since(busy))
		if b.shm == nil {
			wait *= 10 // each look is a query
		}
		next.Reset(wait)
		select {
		case <-next.C:
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
