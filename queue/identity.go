package queue

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// instanceKey reads the cell, or makes it: whoever writes first, wins. A queue in
// a View reads it through the View, which may hold the only connection there is,
// and never makes it there: what is rolled back would have made ids already.
func (q *Queue[T, R]) instanceKey(ctx context.Context) ([]byte, error) {
	s := q.state
	s.mu.Lock()
	key := s.instance
	s.mu.Unlock()
	if key != nil {
		return key, nil
	}
	if q.inView {
		key, _ = readInstanceKey(ctx, q.backend.Cells())
	}
	if key == nil {
		err := again(ctx, func() (err error) {
			key, err = makeInstanceKey(ctx, s.root.Cells())
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("instance key: %w", err)
		}
	}
	s.mu.Lock()
	s.instance = key
	s.mu.Unlock()
	return key, nil
}

func makeInstanceKey(ctx context.Context, cells backends.Cells) ([]byte, error) {
	if key, err := readInstanceKey(ctx, cells); key != nil || err != nil {
		return key, err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh)
	_, failed := cells.Put(ctx, backends.InstanceCell, fresh, "", time.Time{})
	key, err := readInstanceKey(ctx, cells) // what is there counts, whoever wrote it
	if key == nil {
		return nil, cmp.Or(err, failed, errors.New("the cell was written and is not there"))
	}
	return key, nil
}

// readInstanceKey returns nil if there is none yet.
func readInstanceKey(ctx context.Context, cells backends.Cells) ([]byte, error) {
	key, version, err := cells.Get(ctx, backends.InstanceCell, "")
	switch {
	case err != nil || version == "":
		return nil, err
	case len(key) != 32:
		return nil, fmt.Errorf("cell %s has %d bytes, not 32", backends.InstanceCell, len(key))
	}
	return slices.Clone(key), nil
}

// keyedID is the id of a job with an idempotency key. The parts are framed, so
// that no two triples look alike.
func keyedID(secret []byte, tenant, queue, key string) string {
	return coding.EncodeToString(digest(secret, nil, "id", tenant, queue, key)[:20])
}

// fingerprint tells whether a key comes back with other args. It is keyed too, so
// that it gives nothing away of a payload that is encrypted. The version of the
// args' schema isn't part of it: two adjacent versions of a program may be asked
// the same.
func fingerprint(secret []byte, kind string, payload []byte) uint64 {
	return max(1, binary.BigEndian.Uint64(digest(secret, payload, "fingerprint", kind))) // 0 is not guarded
}

// digest is the HMAC of parts, each with its length before it, and of the rest.
func digest(secret, rest []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, secret)
	for _, p := range parts {
		frame(mac, p)
	}
	mac.Write(rest)
	return mac.Sum(nil)
}

func frame(mac hash.Hash, part string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(part)))
	mac.Write(n[:])
	io.WriteString(mac, part)
}

// coding has no padding, and no letter that a file system could confuse.
var coding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
