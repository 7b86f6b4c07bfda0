package broker

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"

	"github.com/leat-go/leat/backends"
)

// Keys never hold what users chose: ids, tenants and places go in as hashes, so
// that a name can't leave its folder, and no key is too long for a store.
const (
	jobPrefix   = "job/"
	placePrefix = "place/"
	cellPrefix  = "cell/"
)

// recordKey is where the record of a job lies, whatever its queue.
func recordKey(ref backends.Ref) string { return jobPrefix + hashed("job", ref.Tenant, ref.ID) }

// placeKey is where the pointer of a supersede key lies.
func placeKey(queue, tenant, key string) string {
	return placePrefix + hashed("place", queue, tenant, key)
}

var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// hashed is a name made of parts that can't run into each other.
func hashed(kind string, parts ...string) string {
	return sum(hmac.New(sha256.New, []byte("leat "+kind)), parts)
}

// foreignID follows from the broker's own id, so that a redelivery is the same job.
func foreignID(transport, queue, message string) string {
	return sum(hmac.New(sha256.New, []byte("leat foreign "+transport)), []string{queue, message})
}

func sum(h interface {
	Write([]byte) (int, error)
	Sum([]byte) []byte
}, parts []string,
) string {
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return strings.ToLower(letters.EncodeToString(h.Sum(nil)[:20]))
}
