package secretbox

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"gocloud.dev/gcerrors"
	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"
)

// service is a key management service that counts its calls and fails to order.
type service struct {
	local *secrets.Keeper
	code  gcerrors.ErrorCode // of all errors

	encrypts, decrypts atomic.Int64

	beforeEncrypt, beforeDecrypt func(ctx context.Context) error // nil = do it
}

func newService() *service {
	return &service{local: localsecrets.NewKeeper([32]byte{1}), code: gcerrors.Unknown}
}

// open returns a keeper on the service, closed with the test.
func (s *service) open(t testing.TB) *secrets.Keeper {
	k := secrets.NewKeeper(s)
	t.Cleanup(func() { k.Close() })
	return k
}

func (s *service) Encrypt(ctx context.Context, plain []byte) ([]byte, error) {
	s.encrypts.Add(1)
	if s.beforeEncrypt != nil {
		if err := s.beforeEncrypt(ctx); err != nil {
			return nil, err
		}
	}
	return s.local.Encrypt(ctx, plain)
}

func (s *service) Decrypt(ctx context.Context, wrapped []byte) ([]byte, error) {
	s.decrypts.Add(1)
	if s.beforeDecrypt != nil {
		if err := s.beforeDecrypt(ctx); err != nil {
			return nil, err
		}
	}
	return s.local.Decrypt(ctx, wrapped)
}

func (s *service) Close() error                       { return nil }
func (s *service) ErrorAs(error, any) bool            { return false }
func (s *service) ErrorCode(error) gcerrors.ErrorCode { return s.code }
func always(err error) func(context.Context) error    { return func(context.Context) error { return err } }

func (s *service) asked() (encrypts, decrypts int64) { return s.encrypts.Load(), s.decrypts.Load() }
func (s *service) forget()                           { s.encrypts.Store(0); s.decrypts.Store(0) }

var errAway = errors.New("no route to the service")

func seal(t testing.TB, b *Box, plain, label string) []byte {
	t.Helper()
	sealed, err := b.Seal(t.Context(), []byte(plain), []byte(label))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func wantOpen(t *testing.T, b *Box, sealed []byte, label, want string) {
	t.Helper()
	plain, err := b.Open(t.Context(), sealed, []byte(label))
	if err != nil || string(plain) != want {
		t.Errorf("Open: %q, %v; want %q", plain, err, want)
	}
}

// wrapsTo is a Keeper whose wrapped keys have n bytes.
func wrapsTo(t *testing.T, n int) *secrets.Keeper {
	k := secrets.NewKeeper(wrapper{newService(), n})
	t.Cleanup(func() { k.Close() })
	return k
}

type wrapper struct {
	*service
	n int
}

func (w wrapper) Encrypt(context.Context, []byte) ([]byte, error) { return make([]byte, w.n), nil }
