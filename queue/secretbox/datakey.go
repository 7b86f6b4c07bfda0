package secretbox

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"sync/atomic"
	"time"
)

const keySize = 32 // AES-256

// How long one data key seals. The counts stay far below what random nonces
// allow (2^32, NIST SP 800-38D, 8.3).
const (
	maxSeals = 1 << 20
	maxAge   = 24 * time.Hour
)

// dataKey is a key that this Box seals with.
type dataKey struct {
	aead    cipher.AEAD // makes its nonces itself
	wrapped []byte
	born    time.Time
	seals   atomic.Int64
}

// use counts a seal; false = the key has done enough.
func (k *dataKey) use() bool {
	return k != nil && k.seals.Add(1) <= maxSeals && time.Since(k.born) < maxAge
}

// sealingKey returns the current data key, or makes the next: one caller does,
// the others wait for it.
func (b *Box) sealingKey(ctx context.Context) (*dataKey, error) {
	if k := b.sealing.Load(); k.use() {
		return k, nil
	}
	return b.renewal.do(ctx, "", func() (*dataKey, error) {
		if k := b.sealing.Load(); k.use() { // made between the look and the turn
			return k, nil
		}
		k, err := b.newDataKey(ctx)
		if err == nil {
			b.sealing.Store(k)
		}
		return k, err
	})
}

func (b *Box) newDataKey(ctx context.Context) (*dataKey, error) {
	secret := make([]byte, keySize)
	rand.Read(secret) // never fails
	wrapped, err := b.keeper.Encrypt(ctx, secret)
	if err != nil {
		return nil, err
	}
	if len(wrapped) == 0 || len(wrapped) > maxWrapped {
		return nil, errWrapped
	}
	aead, err := gcm(secret)
	if err != nil {
		return nil, err
	}
	b.known.put(string(wrapped), aead) // what this program sealed it often opens as well
	return &dataKey{aead: aead, wrapped: wrapped, born: time.Now()}, nil
}

func gcm(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
