package webhook

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Tolerance is how far the clocks of sender and receiver may be apart, and how old
// a call-back may be that is replayed.
const Tolerance = 5 * time.Minute

// ErrUnverified says that a call-back isn't one that the holder of a secret has just
// sent: answer 401 and do nothing.
var ErrUnverified = errors.New("webhook: not verified")

// Verify is for receivers, of call-backs of any sender that holds to Standard
// Webhooks with symmetric secrets. It checks that body and headers were signed by
// one of secrets, not more than [Tolerance] from now. body is what was read, byte
// for byte; bound it first (http.MaxBytesReader). Secrets are several while one
// replaces another. The error matches ErrUnverified.
//
// A call-back may come twice: keep the webhook-id of those that had their effect.
func Verify(h http.Header, body []byte, now time.Time, secrets ...Secret) error {
	id, timestamp := only(h, headerID), only(h, headerTimestamp)
	switch {
	case id == "" || strings.Contains(id, "."): // where the id ends must be clear
		return unverified(headerID + " is missing, given twice, or has a '.'")
	case !digits(timestamp):
		return unverified(headerTimestamp + " is missing, given twice, or not a number of seconds")
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return unverified(headerTimestamp + " is out of range")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > Tolerance || age < -Tolerance {
		return unverified(headerTimestamp + " is too far from now")
	}
	if !anyMatches(signatures(h), id, timestamp, body, secrets) {
		return unverified("no signature matches")
	}
	return nil
}

func unverified(reason string) error { return fmt.Errorf("%w: %s", ErrUnverified, reason) }

// only is the value of a header that must stand once: of two, this function could
// check one and the receiver read the other.
func only(h http.Header, name string) string {
	if all := h.Values(name); len(all) == 1 {
		return all[0]
	}
	return ""
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// signatures are those of the version that we know. Others are passed over, so
// that a sender may sign by a newer one as well.
func signatures(h http.Header) (found [][]byte) {
	for _, list := range h.Values(headerSignature) {
		for one := range strings.SplitSeq(list, " ") {
			coded, ok := strings.CutPrefix(one, version)
			if mac, err := base64.StdEncoding.DecodeString(coded); ok && err == nil {
				found = append(found, mac)
			}
		}
	}
	return found
}

// anyMatches compares all with all, in constant time: how long it takes tells
// nothing about a secret.
func anyMatches(found [][]byte, id, timestamp string, body []byte, secrets []Secret) (ok bool) {
	for _, s := range secrets {
		if s.isZero() {
			continue
		}
		want := signature(s, id, timestamp, body)
		for _, got := range found {
			ok = hmac.Equal(got, want) || ok
		}
	}
	return ok
}
