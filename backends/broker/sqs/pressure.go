package sqs

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// pressure keeps receives from asking while SQS has said that it is too much: from
// half a second to half a minute, for all callers.
type pressure struct {
	mu    sync.Mutex
	fails int
	until time.Time
}

// felt notes an answer: too much, or not.
func (p *pressure) felt(tooMuch bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !tooMuch {
		p.fails = 0
		return
	}
	span := min(30*time.Second, time.Second<<min(p.fails, 10))
	p.fails++
	p.until = time.Now().Add(span/2 + rand.N(span/2))
}

// wait returns when it is time to ask, or when one of them ends.
func (p *pressure) wait(ctx, stop context.Context) {
	p.mu.Lock()
	left := time.Until(p.until)
	p.mu.Unlock()
	if left <= 0 {
		return
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-stop.Done():
	}
}
