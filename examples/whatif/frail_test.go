package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/leat-go/leat/queue"
)

// outage says what is out of order.
type outage struct {
	topic, bucket atomic.Bool
	met           atomic.Int64 // calls that failed
}

var errOutage = errors.New("out of order")

func (o *outage) check(of *atomic.Bool) error {
	if !of.Load() {
		return nil
	}
	o.met.Add(1)
	return errOutage
}

// frailTopic announces, unless there is an outage.
type frailTopic struct {
	queue.Announcer
	outage *outage
}

func (t *frailTopic) Announce(ctx context.Context, events []queue.Event) []error {
	if err := t.outage.check(&t.outage.topic); err != nil {
		errs := make([]error, len(events))
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	return t.Announcer.Announce(ctx, events)
}

// frailBucket writes, unless there is an outage.
type frailBucket struct {
	queue.Bucket
	outage *outage
}

func (b *frailBucket) Write(ctx context.Context, key string, data []byte) error {
	if err := b.outage.check(&b.outage.bucket); err != nil {
		return err
	}
	return b.Bucket.Write(ctx, key, data)
}

// weather stops the workers twice, and breaks the topic and the bucket for five
// seconds each.
func (s *stage) weather(ctx context.Context) error {
	stop := s.work()
	for _, change := range []func(){
		func() { s.outage.topic.Store(true) },
		func() { stop(); stop = s.work() },
		func() { s.outage.topic.Store(false); s.outage.bucket.Store(true) },
		func() { stop(); stop = s.work() },
		func() { s.outage.bucket.Store(false) },
	} {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2500 * time.Millisecond):
		}
		change()
	}
	return nil
}
