package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/google/uuid"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
)

// storedHeader says where a job's payload lies, if not beside the job. Only this
// package writes it: a caller's header of that name is refused.
const storedHeader = "leat-stored"

// day is added to every expiry, for clocks that differ and sweeps that are late.
const day = 24 * time.Hour

// packPayload encrypts the job's payload if the queue has a Box, and puts it into
// the bucket if it is large. Each call writes a new object: what a repeated
// enqueue leaves behind is swept, and no two writers meet.
func (f *facts) packPayload(ctx context.Context, j *backends.Job, now time.Time) error {
	sealed, err := f.seal(ctx, j.Payload, payloadLabel(j.Ref))
	if err != nil {
		return fmt.Errorf("args: %w", err)
	}
	j.Payload = sealed
	if len(sealed) <= f.most(f.features.MaxPayload) {
		return nil
	}
	until := time.Unix(0, j.Start(now.UnixNano()))
	if j.Expiry > 0 {
		until = now.Add(j.Expiry)
	} else {
		until = until.Add(f.blobLife)
	}
	key, err := f.store(ctx, sealed, until.Add(f.policy.Filled().Keeps(Dead)))
	if err != nil {
		return fmt.Errorf("args of %d bytes: %w", len(sealed), err)
	}
	j.Payload, j.Headers = nil, withHeader(j.Headers, storedHeader, key)
	return nil
}

// openPayload is the way back. What no attempt can read matches ErrUndecodable.
func (f *facts) openPayload(ctx context.Context, j *backends.Job) ([]byte, error) {
	payload := j.Payload
	if key := j.Headers[storedHeader]; key != "" {
		var err error
		if payload, err = f.fetch(ctx, key); err != nil {
			return nil, undecodableIf(fs.ErrNotExist, "args", err)
		}
	}
	plain, err := f.unseal(ctx, payload, payloadLabel(j.Ref))
	return plain, undecodableIf(ErrSealBroken, "args", err)
}

// packResult brings an encoded result to where it will be.
func (f *facts) packResult(ctx context.Context, l *backends.Lease, encoded []byte) (inline []byte, stored string, err error) {
	sealed, err := f.seal(ctx, encoded, resultLabel(l.Job.Ref, l.Generation))
	if err != nil {
		return nil, "", fmt.Errorf("result: %w", err)
	}
	if len(sealed) <= f.most(f.features.MaxResult) {
		return sealed, "", nil
	}
	if stored, err = f.store(ctx, sealed, time.Now().Add(f.policy.Filled().Keeps(Succeeded))); err != nil {
		return nil, "", fmt.Errorf("result of %d bytes: %w", len(sealed), err)
	}
	return nil, stored, nil
}

// openResult reads the encoded result of a record. A large one that isn't
// encrypted streams.
func (f *facts) openResult(ctx context.Context, r *backends.Record) (io.ReadCloser, error) {
	if r.Stored != "" && f.box == nil {
		return f.open(ctx, r.Stored)
	}
	sealed := r.Result
	if r.Stored != "" {
		var err error
		if sealed, err = f.fetch(ctx, r.Stored); err != nil {
			return nil, err
		}
	}
	plain, err := f.unseal(ctx, sealed, resultLabel(r.Job.Ref, r.Generation))
	if err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	return io.NopCloser(bytes.NewReader(plain)), nil
}

// most is how many bytes may lie beside the job.
func (f *facts) most(backend int) int {
	if backend > 0 {
		return min(f.inline, backend)
	}
	return f.inline
}

// store writes an object that is needed until then, and returns its key.
func (f *facts) store(ctx context.Context, data []byte, until time.Time) (string, error) {
	if f.bucket == nil {
		return "", ErrTooLarge
	}
	key := seam.Day(until.Add(day)) + "/" + uuid.NewString()
	return key, f.bucket.Write(ctx, key, data)
}

func (f *facts) open(ctx context.Context, key string) (io.ReadCloser, error) {
	if f.bucket == nil {
		return nil, &InvalidError{Field: "Queue.Bucket", Reason: "is missing, and what is read lies in it"}
	}
	return f.bucket.Open(ctx, key)
}

func (f *facts) fetch(ctx context.Context, key string) (data []byte, err error) {
	r, err := f.open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(r)
}

func (f *facts) seal(ctx context.Context, plain, label []byte) ([]byte, error) {
	if f.box == nil {
		return plain, nil
	}
	return f.box.Seal(ctx, plain, label)
}

func (f *facts) unseal(ctx context.Context, sealed, label []byte) ([]byte, error) {
	if f.box == nil {
		return sealed, nil
	}
	return f.box.Open(ctx, sealed, label)
}

// payloadLabel and resultLabel bind what a Box seals to one job, and a result to
// one life of it. A payload is sealed before the store says which life it is.
func payloadLabel(ref Ref) []byte { return label("payload", ref) }

func resultLabel(ref Ref, generation int64) []byte {
	return binary.BigEndian.AppendUint64(label("result", ref), uint64(generation))
}

func label(parts string, ref Ref) []byte {
	b := make([]byte, 0, 64)
	for _, s := range [...]string{"leat/1", parts, ref.Tenant, ref.ID} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// undecodableIf marks err as final if it matches one that no attempt will change.
func undecodableIf(final error, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, final):
		return fmt.Errorf("%s: %w: %w", what, seam.ErrUndecodable, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
