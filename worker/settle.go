package worker

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/leat-go/leat/backends"
)

// mostWritten bounds one call.
const mostWritten = 1000

// lastSettle is how long the last writes of a worker that stops may take.
const lastSettle = time.Second

// settleLoop writes what has been decided, as much as there is in each call: while
// one is on its way the next batch gathers.
func (e *engine) settleLoop() {
	var (
		batch []*attempt
		room  []backends.Settlement
		fails int
	)
	for {
		batch = e.nextBatch(batch[:0])
		if len(batch) == 0 {
			return
		}
		room = room[:0]
		for _, a := range batch {
			room = append(room, a.write)
		}
		errs, err := e.settleOnce(room)
		clear(room)
		if err != nil {
			fails++
		} else {
			fails = 0
		}
		if e.written(batch, errs, err) {
			e.rest(again(max(1, fails), e.Lease))
		}
	}
}

// nextBatch waits for something to write; nothing = the worker has stopped.
func (e *engine) nextBatch(batch []*attempt) []*attempt {
	for {
		select {
		case <-e.write:
		case <-e.life.Done():
			return nil
		}
		runtime.Gosched() // handlers that are about to return join the batch
		e.mu.Lock()
		batch = e.unwritten.take(batch, mostWritten)
		if e.unwritten.len() > 0 {
			e.write.send()
		}
		e.mu.Unlock()
		if len(batch) > 0 {
			return batch
		}
	}
}

func (e *engine) settleOnce(ss []backends.Settlement) ([]error, error) {
	d := callTimeout
	if e.closing() {
		d = e.stint.Last
	}
	ctx, cancel := context.WithTimeout(e.life, d)
	defer cancel()
	begun := time.Now()
	errs, err := e.store.Settle(ctx, ss)
	e.watch.settled(len(ss), time.Since(begun), err)
	return errs, err
}

// rest waits after a failure; not long, once the worker stops.
func (e *engine) rest(d time.Duration) {
	after(e.hard, d)
	if e.closing() {
		after(e.life, min(d, 50*time.Millisecond))
	}
}

// written passes the answers on. What has no outcome is written again, which the
// store answers as the first time; it reports whether there is such. A store that is
// closed has no outcome for us any more.
func (e *engine) written(batch []*attempt, errs []error, err error) (again bool) {
	e.mu.Lock()
	defer e.unlock()
	for i, a := range batch {
		answer := err
		if err == nil && errs != nil {
			answer = errs[i]
		}
		e.settling--
		if unknown(answer) || err != nil && !errors.Is(err, backends.ErrClosed) {
			again = true
			a.settle(a.write)
			continue
		}
		a.committed(answer)
	}
	e.hasRoom()
	return again
}

// unknown reports whether an item's error leaves its outcome open: it is none of
// the contract's.
func unknown(err error) bool {
	if err == nil {
		return false
	}
	for _, answer := range [...]error{
		backends.ErrLost, backends.ErrCancelled, backends.ErrSuperseded, backends.ErrEnded, backends.ErrNotFound,
		backends.ErrNotReady, backends.ErrTooLarge, backends.ErrInvalid, backends.ErrIllegal, backends.ErrClosed, errors.ErrUnsupported,
	} {
		if errors.Is(err, answer) {
			return false
		}
	}
	return true
}
