package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
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
func (f *facts) packPayload(ctx context.Context, j *backends.Job) error {
	if f.box != nil {
		sealed, err := f.box.Seal(ctx, j.Payload, payloadLabel(j.Ref))
		if err != nil {
			return fmt.Errorf("args: %w", err)
		}
		j.Payload = sealed
	}
	data := j.Payload
	if len(data) <= f.most(f.features.MaxPayload) {
		return nil
	}
	key := newKey(f.argsUntil(j, time.Now()))
	if j.Headers == nil {
		j.Headers = make(map[string]string, 1)
	}
	j.Payload, j.Headers[storedHeader] = nil, key
	if err := j.Check(f.features); err != nil { // of the headers this may be one too many
		return err
	}
	return f.store(ctx, "args", key, data)
}

// argsUntil is how long the record of a job may want its args. A job that is
// redriven begins anew, but its args don't.
func (f *facts) argsUntil(j *backends.Job, now time.Time) time.Time {
	until := now.Add(j.Expiry)
	if j.Expiry <= 0 {
		until = time.Unix(0, j.Start(now.UnixNano())).Add(f.blobLife)
	}
	return until.Add(max(f.filled.Keeps(Dead), f.filled.Keeps(Succeeded)))
}

// openPayload is the way back. What no attempt can read matches ErrUndecodable.
func (f *facts) openPayload(ctx context.Context, j *backends.Job) ([]byte, error) {
	payload := j.Payload
	if key := j.Headers[storedHeader]; key != "" {
		var err error
		if payload, err = f.fetch(ctx, key); err != nil {
			return nil, argsError(err)
		}
	}
	if f.box == nil {
		return payload, nil
	}
	plain, err := f.box.Open(ctx, payload, payloadLabel(j.Ref))
	return plain, argsError(err)
}

// packResult brings an encoded result to where it will be.
func (f *facts) packResult(ctx context.Context, l *backends.Lease, encoded []byte) (inline []byte, stored string, err error) {
	sealed := encoded
	if f.box != nil {
		if sealed, err = f.box.Seal(ctx, encoded, resultLabel(l.Job.Ref, l.Generation)); err != nil {
			return nil, "", fmt.Errorf("result: %w", err)
		}
	}
	if len(sealed) <= f.most(f.features.MaxResult) {
		return sealed, "", nil
	}
	key := newKey(time.Now().Add(f.filled.Keeps(Succeeded)))
	if err := f.store(ctx, "result", key, sealed); err != nil {
		return nil, "", err
	}
	return nil, key, nil
}

// openResult reads the encoded result of a record. A large one that isn't
// encrypted streams. What can never be read matches fs.ErrNotExist or ErrSealBroken.
func (f *facts) openResult(ctx context.Context, r *backends.Record) (io.ReadCloser, error) {
	if r.Stored != "" && f.box == nil {
		return f.open(ctx, r.Stored)
	}
	plain, err := r.Result, error(nil)
	if r.Stored != "" {
		plain, err = f.fetch(ctx, r.Stored)
	}
	if err == nil && f.box != nil {
		plain, err = f.box.Open(ctx, plain, resultLabel(r.Job.Ref, r.Generation))
	}
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(plain)), nil
}

// signResult makes a URL of a result that lies in the bucket as it is.
func (f *facts) signResult(ctx context.Context, r *backends.Record, life time.Duration) (string, error) {
	signer, ok := f.bucket.(Signer)
	switch {
	case r.Stored == "":
		return "", fmt.Errorf("the result lies beside the job, not in a bucket: %w", errors.ErrUnsupported)
	case f.box != nil:
		return "", fmt.Errorf("the result is encrypted: %w", errors.ErrUnsupported)
	case !ok:
		return "", fmt.Errorf("the bucket signs no URLs: %w", errors.ErrUnsupported)
	case !isKey(r.Stored):
		return "", fmt.Errorf("result: %w", errNotOurs)
	}
	return signer.SignedURL(ctx, r.Stored, life)
}

// most is how many bytes may lie beside the job.
func (f *facts) most(backend int) int {
	if backend > 0 {
		return min(f.inline, backend)
	}
	return f.inline
}

// newKey names an object that is needed until then.
func newKey(until time.Time) string { return seam.Day(until.Add(day)) + "/" + families.id() }

// isKey reports whether a key that came back from the store may be one of ours:
// whoever can write there shouldn't be able to read what else is in the bucket.
func isKey(key string) bool {
	date, name, _ := strings.Cut(key, "/")
	_, err := time.Parse(time.DateOnly, date)
	id, bad := uuid.Parse(name)
	return err == nil && bad == nil && id.String() == name
}

// store writes an object. Its key is fresh: if the object is there already, then by
// this call, whose reply was lost and which a client library has repeated.
func (f *facts) store(ctx context.Context, what, key string, data []byte) error {
	if f.bucket == nil {
		return fmt.Errorf("%s of %d bytes without a Queue.Bucket: %w", what, len(data), ErrTooLarge)
	}
	if err := f.bucket.Write(ctx, key, data); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s of %d bytes: %w", what, len(data), err)
	}
	return nil
}

func (f *facts) open(ctx context.Context, key string) (io.ReadCloser, error) {
	switch {
	case f.bucket == nil:
		return nil, &InvalidError{Field: "Queue.Bucket", Reason: "is missing, and the job's args or result lie in one"}
	case !isKey(key):
		return nil, errNotOurs
	}
	return f.bucket.Open(ctx, key)
}

var errNotOurs = fmt.Errorf("under a key that no queue makes: %w", fs.ErrNotExist)

func (f *facts) fetch(ctx context.Context, key string) (data []byte, err error) {
	r, err := f.open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(r)
}

// payloadLabel and resultLabel bind what a Box seals to one job, and a result to
// one life of it. A payload is sealed before the store says which life it is.
func payloadLabel(ref Ref) []byte { return label("payload", ref) }

func resultLabel(ref Ref, generation int64) []byte {
	return binary.BigEndian.AppendUint64(label("result", ref), uint64(generation))
}

func label(what string, ref Ref) []byte {
	b := make([]byte, 0, 64)
	for _, s := range [...]string{"leat/1", what, ref.Tenant, ref.ID} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// argsError marks what no attempt will change.
func argsError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrSealBroken):
		return fmt.Errorf("%w: %w", seam.ErrUndecodable, err)
	}
	return err
}
