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

	kick  chan struct{} // there is more, or it is closed
	ended chan struct{}
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
	over := time.NewTimer(0) // what gathers has waited
	defer over.Stop()
	<-over.C
	for gathers := false; ; {
		waited := false
		select {
		case <-e.kick:
		case <-over.C:
			waited = true
		}
		left, closed := e.flush(waited)
		if closed {
			return
		}
		if left > 0 && !gathers {
			over.Reset(e.linger)
		}
		gathers = left > 0
	}
}

// flush deletes full tens, or all that is there if it has waited, and returns how
// many are left.
func (e *earlyAcks) flush(waited bool) (left int, closed bool) {
	e.mu.Lock()
	n := len(e.list)
	if !waited && !e.closed {
		n -= n % perRequest
	}
	rs := e.list[:n:n]
	e.list = append([]*receipt(nil), e.list[n:]...)
	left, closed = len(e.list), e.closed
	e.mu.Unlock()
	if n > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*answerTime)
		defer cancel()
		e.heard(e.deleteAll(ctx, rs), nil)
	}
	return left, closed
}

// close deletes what is left, and waits.
func (e *earlyAcks) close() {
	e.mu.Lock()
	e.closed = true
	e.wake()
	e.mu.Unlock()
	<-e.ended
}
