package sqs

import (
	"context"
	"sync"
	"time"
)

// earlyAcks deletes messages whose Acks were answered before. A worker writes
// what it has in hand in one call after the other, so without it a call of three
// would be a request of three, and the slots behind it would be free in threes.
//
// nil does nothing: each Ack waits.
type earlyAcks struct {
	deleteAll func(context.Context, []*receipt) []error
	linger    time.Duration

	mu     sync.Mutex
	list   []*receipt
	failed bool // the last deletion: Acks wait for their outcome
	closed bool
	kick   chan struct{} // there is something, or ten, or it is closed
	ended  chan struct{}
}

// mostEarly is how many may gather, when SQS is slow: the rest waits.
const mostEarly = 1000

func startEarlyAcks(deleteAll func(context.Context, []*receipt) []error, linger time.Duration) *earlyAcks {
	e := &earlyAcks{deleteAll: deleteAll, linger: linger, kick: make(chan struct{}, 1), ended: make(chan struct{})}
	go e.run()
	return e
}

// take reports whether the receipts will be seen to; else the caller does it.
func (e *earlyAcks) take(rs []*receipt) bool {
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed || e.closed || len(e.list)+len(rs) > mostEarly {
		return false
	}
	e.list = append(e.list, rs...)
	e.wake()
	return true
}

func (e *earlyAcks) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

// heard notes how a deletion went, that a caller waited for.
func (e *earlyAcks) heard(errs []error, err error) {
	if e == nil {
		return
	}
	for _, bad := range errs {
		if bad != nil {
			err = bad
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failed = err != nil
}

// run deletes tens as soon as they are there, and the rest when it has waited.
func (e *earlyAcks) run() {
	defer close(e.ended)
	for {
		<-e.kick
		timer := time.NewTimer(e.linger)
		for waiting := true; waiting; {
			n, closed := e.waitingFor()
			if closed && n == 0 {
				timer.Stop()
				return
			}
			if n >= perRequest {
				e.flush(n - n%perRequest)
				continue
			}
			if n == 0 || closed {
				break
			}
			select {
			case <-e.kick:
			case <-timer.C:
				waiting = false
			}
		}
		timer.Stop()
		e.flush(perRequest)
	}
}

func (e *earlyAcks) waitingFor() (n int, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.list), e.closed
}

// flush deletes the first n, or as many as there are.
func (e *earlyAcks) flush(n int) {
	e.mu.Lock()
	n = min(n, len(e.list))
	rs := e.list[:n:n]
	e.list = append([]*receipt(nil), e.list[n:]...)
	if len(e.list) > 0 || e.closed {
		e.wake()
	}
	e.mu.Unlock()
	if n == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*answerTime)
	defer cancel()
	e.heard(e.deleteAll(ctx, rs), nil)
}

// close deletes what is left, and waits.
func (e *earlyAcks) close() {
	e.mu.Lock()
	e.closed = true
	e.wake()
	e.mu.Unlock()
	<-e.ended
}
