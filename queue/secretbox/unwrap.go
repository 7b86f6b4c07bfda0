package secretbox

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"fmt"

	"gocloud.dev/gcerrors"

	"github.com/leat-go/leat/queue"
)

// unwrap returns the data key that was wrapped: one that is known, or else the
// Keeper is asked, by one caller for all who wait.
func (b *Box) unwrap(ctx context.Context, wrapped []byte) (cipher.AEAD, error) {
	name := string(wrapped)
	if aead := b.known.get(name); aead != nil {
		return aead, nil
	}
	return b.unwraps.do(ctx, name, func() (cipher.AEAD, error) {
		if aead := b.known.get(name); aead != nil { // unwrapped between the look and the turn
			return aead, nil
		}
		secret, err := b.ask(ctx, wrapped)
		if err != nil {
			return nil, err
		}
		if len(secret) != keySize {
			return nil, broken("not under a data key")
		}
		aead, err := gcm(secret)
		if err == nil {
			b.known.put(name, aead)
		}
		return aead, err
	})
}

// ask has the Keeper unwrap a key, and finds out whose fault it is if it doesn't.
func (b *Box) ask(ctx context.Context, wrapped []byte) ([]byte, error) {
	secret, err := b.keeper.Decrypt(ctx, wrapped)
	if err == nil {
		return secret, nil
	}
	if ctx.Err() != nil || !mayBlame(err) {
		return nil, fmt.Errorf("secretbox: the keeper can't unwrap a data key: %w", err)
	}
	if unfit := b.probe(ctx); unfit != nil {
		return nil, fmt.Errorf("secretbox: the keeper can't unwrap a data key: %w (nor its own: %w)", err, unfit)
	}
	secret, err = b.keeper.Decrypt(ctx, wrapped)
	switch {
	case err == nil:
		return secret, nil
	case ctx.Err() != nil, !mayBlame(err):
		return nil, fmt.Errorf("secretbox: the keeper can't unwrap a data key: %w", err)
	}
	return nil, fmt.Errorf("secretbox: %w: the keeper unwraps other data keys, and not this one: %w", queue.ErrSealBroken, err)
}

// mayBlame reports whether err can mean that the bytes are wrong. Unknown is what
// localsecrets answers to those, and AWS to a broken network. An error that tells
// of rights, a key that is disabled or gone, limits or time is none of theirs.
func mayBlame(err error) bool {
	switch gcerrors.Code(err) {
	case gcerrors.InvalidArgument, gcerrors.Unknown:
		return true
	}
	return false
}

// probe asks the Keeper for what must work, if anything does.
func (b *Box) probe(ctx context.Context) error {
	secret := make([]byte, keySize)
	rand.Read(secret)
	wrapped, err := b.keeper.Encrypt(ctx, secret)
	if err != nil {
		return err
	}
	_, err = b.keeper.Decrypt(ctx, wrapped)
	return err
}
