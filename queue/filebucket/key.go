package filebucket

import (
	"strings"

	"github.com/leat-go/leat/queue"
)

// Bounds that object stores and file systems have as well.
const (
	maxKey     = 1024
	maxSegment = 255
)

// check refuses what is no key. It is strict because keys come back from the
// store, where somebody else may have written them.
func check(key string) error {
	if len(key) > maxKey {
		return invalid("longer than 1024 bytes")
	}
	for segment := range strings.SplitSeq(key, "/") {
		if why := badSegment(segment); why != "" {
			return invalid(why)
		}
	}
	return nil
}

// badSegment tells why s is no segment of a key; "" = it is one.
func badSegment(s string) string {
	switch {
	case s == "":
		return "is empty, or has an empty segment"
	case len(s) > maxSegment:
		return "has a segment of more than 255 bytes"
	case s[0] == '.' || s[len(s)-1] == '.': // "..", hidden files; Windows drops a last dot
		return "has a segment that begins or ends with '.'"
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return "has other than lower-case letters, digits, '-', '/' and '.'"
		}
	}
	return ""
}

// invalid doesn't repeat the key: it may be anything.
func invalid(reason string) error {
	return &queue.InvalidError{Field: "bucket key", Reason: reason}
}
