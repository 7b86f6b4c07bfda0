package cdk_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/batcher"
	"gocloud.dev/pubsub/driver"

	"github.com/leat-go/leat/backends/broker/cdk"
)

var errBroken = errors.New("connection lost")

// tray is a broker whose driver breaks on demand. A message that is out stays out
// until it is acked, nacked, or the connection to its subscription is lost.
type tray struct {
	noNack   bool
	prefetch int           // of subscriptions; 0 = none
	poll     time.Duration // how long a request waits for messages; 0 = until there is one

	mu      sync.Mutex
	ready   []*driver.Message
	out     map[driver.AckID]*driver.Message
	last    int
	broken  error // of all that is open now
	changed chan struct{}
	topics  int // opened so far
	subs    int
	lapse   bool // what is out when it breaks comes again
}

func newTray() *tray {
	return &tray{out: map[driver.AckID]*driver.Message{}, changed: make(chan struct{})}
}

func (y *tray) options(h cdk.Hooks) cdk.Options {
	return cdk.Options{
		Topic: func(context.Context) (*pubsub.Topic, error) {
			y.mu.Lock()
			defer y.mu.Unlock()
			y.topics++
			y.broken = nil
			return pubsub.NewTopic(trayTopic{tray: y}, nil), nil
		},
		Subscription: func(context.Context) (*pubsub.Subscription, error) {
			y.mu.Lock()
			defer y.mu.Unlock()
			y.subs++
			y.broken = nil
			o := &batcher.Options{MaxBatchSize: max(1, y.prefetch), MaxHandlers: 1}
			return pubsub.NewSubscription(traySub{tray: y}, o, nil), nil
		},
		Hooks: h,
	}
}

// tell wakes all who wait. The lock must be held.
func (y *tray) tell() {
	close(y.changed)
	y.changed = make(chan struct{})
}

func (y *tray) breakNow() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.broken = errBroken
	if y.lapse {
		for id, m := range y.out {
			y.ready = append(y.ready, m)
			delete(y.out, id)
		}
	}
	y.tell()
}

// deadline makes all that is out come again, under new numbers.
func (y *tray) deadline() {
	y.mu.Lock()
	defer y.mu.Unlock()
	for id, m := range y.out {
		delete(y.out, id)
		again := *m
		y.last++
		again.AckID = y.last
		y.ready = append(y.ready, &again)
	}
	y.tell()
}

// counts are the messages that are ready and out.
func (y *tray) counts() (ready, out int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	return len(y.ready), len(y.out)
}

// part is what topics and subscriptions of a driver have in common.
type part struct{}

func (part) IsRetryable(error) bool             { return false }
func (part) As(any) bool                        { return false }
func (part) ErrorAs(error, any) bool            { return false }
func (part) ErrorCode(error) gcerrors.ErrorCode { return gcerrors.Unknown }
func (part) Close() error                       { return nil }

type trayTopic struct {
	part
	*tray
}

func (t trayTopic) SendBatch(_ context.Context, ms []*driver.Message) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken != nil {
		return t.broken
	}
	for _, m := range ms {
		t.last++
		t.ready = append(t.ready, &driver.Message{
			LoggableID: strconv.Itoa(t.last), AckID: t.last, Body: m.Body, Metadata: m.Metadata,
			AsFunc: func(any) bool { return false },
		})
	}
	t.tell()
	return nil
}

type traySub struct {
	part
	*tray
}

func (s traySub) ReceiveBatch(ctx context.Context, most int) ([]*driver.Message, error) {
	var over <-chan time.Time
	if s.poll > 0 {
		over = time.After(s.poll)
	}
	for {
		s.mu.Lock()
		changed, err := s.changed, s.broken
		n := min(most, len(s.ready))
		got := s.ready[:n:n]
		if err == nil {
			s.ready = s.ready[n:]
			for _, m := range got {
				s.out[m.AckID] = m
			}
		}
		s.mu.Unlock()
		if err != nil || n > 0 {
			return got, err
		}
		select {
		case <-changed:
		case <-over:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s traySub) SendAcks(_ context.Context, ids []driver.AckID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.out, id)
	}
	return nil
}

func (s traySub) CanNack() bool { return !s.noNack }

func (s traySub) SendNacks(_ context.Context, ids []driver.AckID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if m := s.out[id]; m != nil {
			s.ready = append(s.ready, m)
			delete(s.out, id)
		}
	}
	s.tell()
	return nil
}
