package secretbox

import (
	"context"
	"crypto/cipher"
	"fmt"
	"sync/atomic"

	"gocloud.dev/secrets"

	"github.com/leat-go/leat/queue"
)

// Box seals and opens. All its methods are safe for concurrent use.
type Box struct {
	keeper *secrets.Keeper

	sealing atomic.Pointer[dataKey]
	renewal flights[*dataKey]

	known   cache
	unwraps flights[cipher.AEAD]
}

var _ queue.Box = (*Box)(nil)

// New returns a Box whose data keys the Keeper guards. The Keeper stays the
// caller's to close. Programs that share a queue need Keepers of the same key.
func New(keeper *secrets.Keeper) *Box {
	if keeper == nil {
		panic("secretbox: no Keeper")
	}
	return &Box{keeper: keeper}
}

// Seal implements [queue.Box]. It adds 31 bytes and the wrapped key, which has 72
// with a local key and up to some 500 with a service.
func (b *Box) Seal(ctx context.Context, plain, label []byte) ([]byte, error) {
	key, err := b.sealingKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("secretbox: a new data key: %w", err)
	}
	out := appendHeader(make([]byte, 0, headerSize+len(key.wrapped)+overhead+len(plain)), key.wrapped)
	return key.aead.Seal(out, nil, plain, additional(label)), nil
}

// Open implements [queue.Box].
func (b *Box) Open(ctx context.Context, sealed, label []byte) ([]byte, error) {
	wrapped, body, err := split(sealed)
	if err != nil {
		return nil, err
	}
	aead, err := b.unwrap(ctx, wrapped)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, body, additional(label))
	if err != nil {
		return nil, broken("changed, or sealed under another label")
	}
	return plain, nil
}
