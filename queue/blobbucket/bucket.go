package blobbucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/leat-go/leat/queue"
)

// contentType of every object. They are encoded args and results, but maybe
// encrypted; nobody but this library should try to read them.
const contentType = "application/octet-stream"

// Bucket is a blob.Bucket as a [queue.Bucket].
type Bucket struct {
	blobs *blob.Bucket
}

var (
	_ queue.Bucket = (*Bucket)(nil)
	_ queue.Signer = (*Bucket)(nil)
)

// New returns a Bucket on blobs, which stays the caller's to close.
func New(blobs *blob.Bucket) *Bucket { return &Bucket{blobs} }

// Write implements [queue.Bucket]. It uses Upload, since azureblob panics when a
// streaming write meets an existing key.
func (b *Bucket) Write(ctx context.Context, key string, data []byte) error {
	if err := ctx.Err(); err != nil { // not every driver looks
		return err
	}
	err := b.blobs.Upload(ctx, key, bytes.NewReader(data), &blob.WriterOptions{ContentType: contentType, IfNotExist: true})
	switch gcerrors.Code(err) {
	case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		return b.refused(ctx, key, err)
	}
	return err
}

// refused looks whether the object is why. A blob.Bucket that was closed, say,
// answers the same code, and a caller mustn't take that for "it is there".
func (b *Bucket) refused(ctx context.Context, key string, err error) error {
	switch there, problem := b.blobs.Exists(ctx, key); {
	case problem != nil:
		return fmt.Errorf("%w (to look whether it exists: %w)", err, problem)
	case there:
		return &matching{fs.ErrExist, err}
	}
	return err
}

// Open implements [queue.Bucket].
func (b *Bucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := b.blobs.NewReader(ctx, key, nil)
	if err == nil {
		return r, nil
	}
	if gcerrors.Code(err) != gcerrors.NotFound {
		return nil, err
	}
	switch ok, problem := b.blobs.IsAccessible(ctx); {
	case problem != nil:
		return nil, fmt.Errorf("%w (to look whether the bucket is there: %w)", err, problem)
	case !ok:
		return nil, fmt.Errorf("%w (the bucket isn't there, or may not be listed)", err)
	}
	return nil, &matching{fs.ErrNotExist, err}
}

// SignedURL implements [queue.Signer], where the driver does: those of S3, GCS and
// Azure. A URL dies with the credentials that signed it, if they go before.
func (b *Bucket) SignedURL(ctx context.Context, key string, life time.Duration) (string, error) {
	if life <= 0 {
		return "", &queue.InvalidError{Field: "SignedURL life", Reason: "must be positive"}
	}
	url, err := b.blobs.SignedURL(ctx, key, &blob.SignedURLOptions{Expiry: life, Method: http.MethodGet})
	if gcerrors.Code(err) == gcerrors.Unimplemented {
		return "", &matching{errors.ErrUnsupported, err}
	}
	return url, err
}

// Delete implements [queue.Bucket].
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := b.blobs.Delete(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return err
}

// List implements [queue.Bucket].
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		objects := b.blobs.List(&blob.ListOptions{Prefix: prefix})
		for {
			if err := ctx.Err(); err != nil {
				yield("", err)
				return
			}
			object, err := objects.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield("", err)
				return
			}
			if !yield(object.Key, nil) {
				return
			}
		}
	}
}

// matching gives a driver's error the meaning that package queue asks for.
type matching struct {
	meaning error
	err     error
}

func (m *matching) Error() string   { return m.err.Error() }
func (m *matching) Unwrap() []error { return []error{m.meaning, m.err} }
