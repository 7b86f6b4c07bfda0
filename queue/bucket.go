package queue

import (
	"context"
	"io"
	"iter"
	"time"
)

// Bucket keeps what is too large to travel with a job: payloads and results
// above [Queue.Inline] (the claim check). Packages filebucket and blobbucket
// have some. All methods are safe for concurrent use, by several processes too.
//
// Keys are made by this package: they begin with the day after which nobody
// needs them, as in "2026-12-09/0b6c…", and have only lower-case letters,
// digits, '-', '/' and '.'. So [Sweeper], or a lifecycle rule of the bucket, can
// clear them without looking inside. What else lies in the bucket is left alone.
type Bucket interface {
	// Write creates key with data, which it doesn't keep. When it returns the
	// object is as durable as the bucket can make it, and it is never seen half
	// written. An existing key is not overwritten: the error matches fs.ErrExist,
	// and what is there is as durable.
	Write(ctx context.Context, key string, data []byte) error

	// Open reads an object; ctx is for reading too. The error matches
	// fs.ErrNotExist if there is none, and only if that is sure: a job whose
	// payload has gone ends as a dead letter, and isn't tried again.
	Open(ctx context.Context, key string) (io.ReadCloser, error)

	// Delete removes an object, and is nil for one that isn't there.
	Delete(ctx context.Context, key string) error

	// List yields the keys that begin with prefix, in ascending order of their
	// bytes. It may miss or repeat what comes and goes meanwhile. It ends after
	// the first error.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// Signer is a [Bucket] that gives out URLs by which whoever has one may read an
// object, without an account and without this program in between.
type Signer interface {
	// SignedURL returns a URL for GET that works for so long. The error matches
	// errors.ErrUnsupported where the bucket has none.
	SignedURL(ctx context.Context, key string, life time.Duration) (string, error)
}

// Box encrypts payloads and results on their way to the store and the bucket;
// package secretbox has one. Tenants, ids, kinds, headers, progress and error
// texts stay readable: stores need some of them, and people the others.
//
// The label says what the bytes are: a payload of this tenant and id, a result
// of this tenant, id and generation. Bytes sealed under one label must not open
// under another, so that whoever can write to the store can't swap them.
type Box interface {
	// Seal returns the encrypted form of plain.
	Seal(ctx context.Context, plain, label []byte) ([]byte, error)

	// Open returns what was sealed under label. Bytes that don't open, and never
	// will, are an error that matches [ErrSealBroken]; other errors may pass.
	Open(ctx context.Context, sealed, label []byte) ([]byte, error)
}
