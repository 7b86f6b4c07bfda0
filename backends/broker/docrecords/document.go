package docrecords

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gocloud.dev/docstore"

	"github.com/leat-go/leat/backends"
)

// maxKey is DynamoDB's bound of a partition key, in bytes.
const maxKey = 2048

// document is what lies under a key.
type document struct {
	key    string
	value  []byte
	writer string
	expire int64 // Unix seconds, rounded up; 0 = never
	early  int64 // nanoseconds before expire
	// revision is the store's own name of what was written; nil = nothing yet.
	revision any
}

// draft is a document to be written.
func draft(key string, v []byte, expire time.Time) *document {
	d := &document{key: key, value: append([]byte{}, v...), writer: rand.Text()}
	if expire.IsZero() {
		return d
	}
	if d.expire = expire.Unix(); expire.Nanosecond() > 0 {
		d.expire++
		d.early = int64(time.Second) - int64(expire.Nanosecond())
	}
	if d.expire <= 0 { // all the same past; 0 would mean never
		d.expire, d.early = 1, 0
	}
	return d
}

// gone reports whether d has expired. Stores that delete by themselves do so late.
func (d *document) gone(now time.Time) bool { return gone(d.expire, d.early, now) }

func gone(expire, early int64, now time.Time) bool {
	return expire != 0 && !now.Before(time.Unix(expire, -early))
}

// fields are d as docstore takes it; it sets the new revision there.
func (d *document) fields(key string) map[string]any {
	f := map[string]any{
		key: d.key, "value": d.value, "writer": d.writer,
		docstore.DefaultRevisionField: d.revision,
	}
	if d.expire != 0 {
		f["expire"], f["early"] = d.expire, d.early
	}
	return f
}

// parse is the reverse of fields.
func parse(key string, f map[string]any) (*document, error) {
	d := &document{key: key, revision: f[docstore.DefaultRevisionField]}
	value, haveValue := f["value"].([]byte)
	writer, haveWriter := f["writer"].(string)
	if !haveValue && f["value"] != nil || !haveWriter || d.revision == nil {
		return nil, fmt.Errorf("document %.100q is no record: something else writes to this collection", key)
	}
	d.value, d.writer = append([]byte{}, value...), writer // the memory store hands out its own bytes
	d.expire, d.early = number(f["expire"]), number(f["early"])
	return d, nil
}

// number reads what a store made of an int64; 0 if it is none.
func number(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case uint64:
		return int64(n)
	case float64:
		return int64(n)
	}
	return 0
}

// version names what was written: the revision, and behind dots the expiry.
func (r *Records) version(d *document) (backends.Version, error) {
	s, err := r.coll.RevisionToString(d.revision)
	if err != nil {
		return "", err
	}
	if d.expire != 0 {
		s += "." + strconv.FormatInt(d.expire, 36) + "." + strconv.FormatInt(d.early, 36)
	}
	return backends.Version(s), nil
}

// revision takes a version apart; not ok if it was never one, or what it names
// has expired.
func (r *Records) revision(v backends.Version, now time.Time) (revision any, ok bool) {
	parts := strings.Split(string(v), ".")
	if len(parts) == 3 {
		expire, err1 := strconv.ParseInt(parts[1], 36, 64)
		early, err2 := strconv.ParseInt(parts[2], 36, 64)
		if err1 != nil || err2 != nil || gone(expire, early, now) {
			return nil, false
		}
	}
	if len(parts) != 1 && len(parts) != 3 {
		return nil, false
	}
	revision, err := r.coll.StringToRevision(parts[0])
	return revision, err == nil && revision != nil && revision != ""
}

// check refuses what one store takes and another doesn't; an empty key would be
// given a random name.
func check(key string, v []byte) error {
	switch {
	case key == "" || !utf8.ValidString(key):
		return &backends.InvalidError{Field: "key", Reason: "is empty or not UTF-8"}
	case len(key) > maxKey:
		return &backends.InvalidError{Field: "key", Reason: fmt.Sprintf("is longer than %d bytes", maxKey)}
	case len(v) > backends.MaxRecord:
		return backends.ErrTooLarge
	}
	return nil
}
