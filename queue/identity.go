package queue

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
)

// instanceCell holds 32 random bytes that all programs on one store share, so that
// an id can be found from its key and not guessed from it.
const instanceCell = "leat/instance-key"

// instanceKey reads the cell, or makes it: whoever writes first, wins.
func (s *state) instanceKey(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	key := s.instance
	s.mu.Unlock()
	if key != nil {
		return key, nil
	}
	key, err := makeInstanceKey(ctx, s.root.Cells())
	if err != nil {
		return nil, fmt.Errorf("instance key: %w", err)
	}
	s.mu.Lock()
	s.instance = key
	s.mu.Unlock()
	return key, nil
}

func makeInstanceKey(ctx context.Context, cells backends.Cells) ([]byte, error) {
	for {
		key, version, err := cells.Get(ctx, instanceCell, "")
		if err != nil {
			return nil, err
		}
		if version != "" {
			if len(key) != 32 {
				return nil, fmt.Errorf("cell %s has %d bytes, not 32", instanceCell, len(key))
			}
			return bytes.Clone(key), nil
		}
		fresh := make([]byte, 32)
		rand.Read(fresh)
		if _, err := cells.Put(ctx, instanceCell, fresh, "", time.Time{}); err != nil && !errors.Is(err, backends.ErrConflict) {
			return nil, err
		}
	}
}

// keyedID is the id of a job with an idempotency key. The parts are framed, so
// that no two triples look alike.
func keyedID(secret []byte, tenant, queue, key string) string {
	return coding.EncodeToString(digest(secret, "id", tenant, queue, key)[:20])
}

// fingerprint tells whether a key comes back with other args. It is keyed too, so
// that it gives nothing away of a payload that is encrypted.
func fingerprint(secret []byte, kind string, payload []byte) uint64 {
	sum := digest(secret, "fingerprint", kind, string(payload))
	return max(1, binary.BigEndian.Uint64(sum)) // 0 is not guarded
}

func digest(secret []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, secret)
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		mac.Write(n[:])
		mac.Write([]byte(p))
	}
	return mac.Sum(nil)
}

// coding has no padding, and no letter that a file system could confuse.
var coding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
