package secretbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/leat-go/leat/queue"
)

const (
	version    = 1
	headerSize = 1 + 2   // version, length of the wrapped key
	overhead   = 12 + 16 // nonce, tag
	maxWrapped = math.MaxUint16
)

// appendHeader appends what stands before the nonce.
func appendHeader(out, wrapped []byte) []byte {
	out = append(out, version)
	out = binary.BigEndian.AppendUint16(out, uint16(len(wrapped)))
	return append(out, wrapped...)
}

// split finds the parts of sealed bytes: the wrapped key, and nonce to tag.
func split(sealed []byte) (wrapped, body []byte, err error) {
	if len(sealed) < headerSize {
		return nil, nil, broken("too short")
	}
	if sealed[0] != version {
		return nil, nil, broken("of an unknown version")
	}
	n, rest := int(binary.BigEndian.Uint16(sealed[1:])), sealed[headerSize:]
	if n == 0 || len(rest) < n+overhead {
		return nil, nil, broken("too short")
	}
	return rest[:n], rest[n:], nil
}

// additional is what the tag protects besides the plain text.
func additional(label []byte) []byte { return append([]byte{version}, label...) }

// broken is the error of bytes that will never open.
func broken(why string) error { return fmt.Errorf("secretbox: %w: %s", queue.ErrSealBroken, why) }

// errWrapped: a Keeper that makes more of a key than the wire can carry.
var errWrapped = errors.New("the keeper's wrapped key is empty, or longer than 65,535 bytes")
