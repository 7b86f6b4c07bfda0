package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// run brings one job from bytes to bytes: args in, result out. Much of it is the
// user's code, not only the handler: what panics there is a failed attempt. A Goexit
// can't be stopped, and is noticed by the slot.
func (w *Worker[T, R]) run(ctx context.Context, in *seam.Queue, a *attempt) (v verdict) {
	defer catch(&v.err)
	job, err := load[T](ctx, a)
	if err != nil {
		return verdict{err: err}
	}
	result, err := w.handle(ctx, job)
	a.returned.Store(true)
	if w.AfterSuccess != nil {
		a.after = func(ctx context.Context) error { return w.AfterSuccess(ctx, job, result) }
	}
	if err != nil {
		return verdict{err: err}
	}
	return w.packed(ctx, in, a, result)
}

// load makes the job of an attempt.
func load[T any](ctx context.Context, a *attempt) (job *queue.Job[T], err error) {
	defer catch(&err)
	made, err := a.kind.Job(ctx, &a.Attempt)
	if errors.Is(err, seam.ErrUndecodable) {
		err = deadFor("its args can't be decoded", err)
	}
	if err != nil {
		return nil, err
	}
	return made.(*queue.Job[T]), nil
}

// packed is the verdict of a handler that has succeeded.
func (w *Worker[T, R]) packed(ctx context.Context, in *seam.Queue, a *attempt, result R) (v verdict) {
	encoded, err := encode(in, result)
	if err != nil {
		return verdict{err: deadFor("its result can't be encoded", err)}
	}
	if v.result, v.stored, v.err = pack(ctx, in, a, encoded); errors.Is(v.err, queue.ErrTooLarge) {
		v.err = deadFor("its result is too large", v.err)
	}
	return v
}

// encode is the codec's, which runs a user's MarshalJSON, too.
func encode(in *seam.Queue, result any) (encoded []byte, err error) {
	err = safely(func() (err error) { encoded, err = in.Encode(result); return err })
	return encoded, err
}

// pack brings the result to where it will be. The handler has returned: that its
// context has ended meanwhile must not spoil what it did.
func pack(ctx context.Context, in *seam.Queue, a *attempt, encoded []byte) (inline []byte, stored string, err error) {
	defer catch(&err)
	inline, stored, err = in.Pack(ctx, a.Lease, encoded)
	if err == nil || ctx.Err() == nil {
		return inline, stored, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	defer context.AfterFunc(a.e.hard, cancel)()
	return in.Pack(ctx, a.Lease, encoded)
}

// afterElsewhere is the write-back of a job whose success was stored by another
// process, or by an earlier claim of this one.
func (w *Worker[T, R]) afterElsewhere(ctx context.Context, in *seam.Queue, a *attempt) error {
	if w.AfterSuccess == nil {
		return errors.ErrUnsupported
	}
	job, err := load[T](ctx, a)
	if err != nil {
		return err
	}
	var result R
	if err := decodeResult(ctx, in, a.Lease.Outcome, &result); err != nil {
		return err
	}
	return w.AfterSuccess(ctx, job, result)
}

func decodeResult(ctx context.Context, in *seam.Queue, r *backends.Record, into any) error {
	stream, err := in.Unpack(ctx, r)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, queue.ErrSealBroken) {
		return fmt.Errorf("result: %w: %w", seam.ErrUndecodable, err)
	}
	if err != nil {
		return fmt.Errorf("result: %w", err)
	}
	encoded, err := io.ReadAll(stream)
	if err = errors.Join(err, stream.Close()); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	if err := in.Decode(encoded, into); err != nil {
		return fmt.Errorf("result: %w: %w", seam.ErrUndecodable, err)
	}
	return nil
}

// safely turns a panic into an error.
func safely(f func() error) (err error) {
	defer catch(&err)
	return f()
}

// catch makes an error of a panic; it is deferred.
func catch(err *error) {
	if p := recover(); p != nil {
		*err = caught(p)
	}
}

// callTimeout bounds a call to the store, the bucket or the topic.
const callTimeout = 30 * time.Second
