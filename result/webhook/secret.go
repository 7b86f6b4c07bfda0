package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

const (
	secretPrefix = "whsec_"
	hidden       = secretPrefix + "…"

	minSecret, maxSecret, newSecret = 24, 64, 32 // bytes
)

// Secret is what sender and receiver share to sign and verify, 24 to 64 bytes. It
// prints as whsec_… in every way that there is (fmt, log/slog, JSON, text); only
// [Secret.Reveal] shows it. The zero Secret signs and verifies nothing.
type Secret struct {
	// A func, of which fmt prints an address: for %p, and where a Secret is in an
	// unexported field, it asks none of the methods below. nil = none.
	key func() []byte
}

func secretOf(key []byte) Secret { return Secret{func() []byte { return key }} }

// NewSecret returns a random one of 32 bytes. Each endpoint should have its own.
func NewSecret() Secret {
	key := make([]byte, newSecret)
	rand.Read(key)
	return secretOf(key)
}

// ErrSecret says that a text is no secret; it doesn't quote it.
var ErrSecret = errors.New("webhook: not a secret: whsec_ and base64 of 24 to 64 bytes")

// ParseSecret reads what Reveal shows: "whsec_" and base64. The error is ErrSecret.
func ParseSecret(text string) (Secret, error) {
	coded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok || strings.ContainsAny(coded, "\r\n") { // which base64 would pass over
		return Secret{}, ErrSecret
	}
	key, err := base64.StdEncoding.Strict().DecodeString(coded)
	if err != nil || len(key) < minSecret || len(key) > maxSecret {
		return Secret{}, ErrSecret
	}
	return secretOf(key), nil
}

// Reveal is the secret's text, to store it and to show it to the receiver; "" of
// the zero Secret.
func (s Secret) Reveal() string {
	if s.key == nil {
		return ""
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(s.key())
}

func (s Secret) isZero() bool { return s.key == nil }

func (s Secret) String() string { return hidden }

// Format hides the secret from every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue hides the secret from package slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the secret: store what Reveal returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// UnmarshalText is ParseSecret, for configurations.
func (s *Secret) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSecret(string(text))
	return err
}
