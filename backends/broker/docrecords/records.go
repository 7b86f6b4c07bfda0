package docrecords

import (
	"context"
	"errors"
	"slices"
	"time"

	"gocloud.dev/docstore"
	"gocloud.dev/gcerrors"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

// Options say what a collection is like. The zero value fits most.
type Options struct {
	// Key is the collection's key field; "" = "key".
	Key string

	// Consistent vouches that reads of the collection are strongly consistent,
	// where its driver's are not unless asked: DynamoDB.
	Consistent bool
}

// Records keeps records in a collection; safe for concurrent use.
type Records struct {
	coll *docstore.Collection
	key  string
}

var _ broker.Records = (*Records)(nil)

// New keeps records in coll, which stays the caller's to close, after the last
// call. It panics for a key field that another field of the document has, and
// for a collection that is known to read stale documents.
func New(coll *docstore.Collection, o Options) *Records {
	if o.Key == "" {
		o.Key = "key"
	}
	if Reserved(o.Key) {
		panic("docrecords: key field " + o.Key + " is taken by another field of the document")
	}
	if !o.Consistent && readsStale(coll) {
		panic("docrecords: reads of this collection may be stale: open it by docrecords/dynamodb")
	}
	return &Records{coll, o.Key}
}

// Reserved reports whether a field of the document other than the key has this name.
func Reserved(field string) bool {
	return slices.Contains([]string{"value", "writer", "expire", "early", docstore.DefaultRevisionField}, field)
}

// Get is one read, whatever hint is. Errors are those of the collection.
func (r *Records) Get(ctx context.Context, key string, _ backends.Version) ([]byte, backends.Version, error) {
	if err := check(key, nil); err != nil {
		return nil, "", err
	}
	d, err := r.read(ctx, key)
	if err != nil || d == nil || d.gone(time.Now()) {
		return nil, "", err
	}
	v, err := r.version(d)
	if err != nil {
		return nil, "", err
	}
	return d.value, v, nil
}

// Put is one write where it succeeds, and a read more where it doesn't. Values
// over backends.MaxRecord are ErrTooLarge; other errors are the collection's.
func (r *Records) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	if err := check(key, v); err != nil {
		return "", err
	}
	d := draft(key, v, expire)
	if prev == "" {
		return r.create(ctx, d)
	}
	var known bool
	if d.revision, known = r.revision(prev, time.Now()); !known {
		return "", backends.ErrConflict
	}
	return r.write(ctx, d)
}

// tries bounds how often a Put follows a document that expires, is deleted and
// comes back while it looks.
const tries = 4

// create writes where there is nothing, or over what has expired.
func (r *Records) create(ctx context.Context, d *document) (backends.Version, error) {
	for range tries {
		v, err := r.write(ctx, d)
		if !errors.Is(err, backends.ErrConflict) {
			return v, err
		}
		var lost *conflict
		errors.As(err, &lost)
		switch {
		case lost.with == nil: // the store deleted what had expired
			d.revision = nil
		case lost.with.gone(time.Now()):
			d.revision = lost.with.revision
		default:
			return "", backends.ErrConflict
		}
	}
	return "", backends.ErrConflict
}

// write is one conditional write: over d.revision, or where there is no document
// if that is nil. If it fails because there is our own document, the client has
// repeated a write that had taken effect.
func (r *Records) write(ctx context.Context, d *document) (backends.Version, error) {
	fields, do := d.fields(r.key), r.coll.Create
	if d.revision != nil {
		do = r.coll.Replace
	}
	err := single(do(ctx, fields))
	if err == nil {
		return r.version(&document{revision: fields[docstore.DefaultRevisionField], expire: d.expire, early: d.early})
	}
	if !refused(err) {
		return "", err
	}
	there, err := r.read(ctx, d.key)
	switch {
	case err != nil:
		return "", err
	case there != nil && there.writer == d.writer:
		return r.version(there)
	}
	return "", &conflict{there}
}

// read returns the document of a key, nil if there is none.
func (r *Records) read(ctx context.Context, key string) (*document, error) {
	fields := map[string]any{r.key: key}
	err := single(r.coll.Get(ctx, fields))
	switch {
	case absent(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return parse(key, fields)
}

// conflict is an ErrConflict that tells which document was there, nil = none.
type conflict struct{ with *document }

func (*conflict) Error() string        { return backends.ErrConflict.Error() }
func (*conflict) Is(target error) bool { return target == backends.ErrConflict }

// refused reports whether the condition of a write didn't hold. A document that
// is to be replaced and isn't there is NotFound on one store, a failed
// precondition on another.
func refused(err error) bool {
	switch gcerrors.Code(err) {
	case gcerrors.AlreadyExists, gcerrors.FailedPrecondition:
		return true
	}
	return absent(err)
}

// absent reports whether there is no document. What a service calls not found
// by a code of its own is the table: taken for an absent document, every record
// of a queue would seem to have gone with it.
func absent(err error) bool {
	var service interface{ ErrorCode() string }
	return gcerrors.Code(err) == gcerrors.NotFound && !errors.As(err, &service)
}

// single takes the error of one action out of its list.
func single(err error) error {
	var list docstore.ActionListError
	if errors.As(err, &list) && len(list) == 1 {
		return list[0].Err
	}
	return err
}
