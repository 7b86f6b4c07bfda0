package broker_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

// pipe is a broker that lives in the process and goes by the clock of its bubble:
// standard (delays, no order promised) or FIFO (groups, de-duplication).
type pipe struct {
	facts broker.TransportFeatures

	mu       sync.Mutex
	messages []*piped
	dedup    map[string]time.Time
	last     int
	changed  chan struct{}
	closed   bool
}

type piped struct {
	broker.Message
	id       string
	sent     time.Time
	visible  time.Time
	receipt  int
	receives int
}

func standardFacts() broker.TransportFeatures {
	return broker.TransportFeatures{
		Name: "pipe", Durability: backends.Process,
		MaxDelay: 15 * time.Minute, MaxNack: 12 * time.Hour, MaxLease: 12 * time.Hour,
		MaxMessage: 1 << 20, Retention: 14 * 24 * time.Hour, CheapExtend: true, Counts: true, SharedQueues: true,
	}
}

func fifoFacts() broker.TransportFeatures {
	f := standardFacts()
	f.Name, f.FIFO, f.MaxDelay = "pipe.fifo", true, 0
	return f
}

func newPipe(f broker.TransportFeatures) *pipe {
	return &pipe{facts: f, dedup: map[string]time.Time{}, changed: make(chan struct{})}
}

func (p *pipe) Features() broker.TransportFeatures { return p.facts }

func (p *pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.tell()
	return nil
}

// opening is one process's way to the pipe: closing it leaves the others.
type opening struct{ *pipe }

func (opening) Close() error { return nil }

// tell wakes all who wait. The lock must be held.
func (p *pipe) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pipe) Send(_ context.Context, messages []broker.Message) ([]error, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	errs := make([]error, len(messages))
	now := time.Now()
	for i, m := range messages {
		if len(m.Body) > p.facts.MaxMessage || m.Delay > p.facts.MaxDelay {
			errs[i] = fmt.Errorf("pipe: %d bytes or delay %v: too much", len(m.Body), m.Delay)
			continue
		}
		if at, seen := p.dedup[m.Dedup]; p.facts.FIFO && seen && now.Sub(at) < 5*time.Minute {
			continue
		}
		p.dedup[m.Dedup] = now
		p.last++
		p.messages = append(p.messages, &piped{Message: m, id: fmt.Sprint("m", p.last), sent: now, visible: now.Add(m.Delay)})
	}
	p.tell()
	return errs, nil
}

func (p *pipe) Receive(ctx context.Context, limit int, lease time.Duration) ([]*broker.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, next, changed := p.look(limit, lease)
		if len(got) > 0 {
			return got, nil
		}
		timer := time.NewTimer(next)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// look leases what is visible, or tells when something will be.
func (p *pipe) look(limit int, lease time.Duration) (got []*broker.Delivery, next time.Duration, changed chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	next = 1000 * time.Hour
	blocked := map[string]bool{}
	for _, m := range p.messages {
		if p.facts.FIFO && blocked[m.Group] {
			continue
		}
		if len(got) == limit {
			break
		}
		if m.visible.After(now) {
			blocked[m.Group] = true
			next = min(next, m.visible.Sub(now))
			continue
		}
		m.receipt++
		m.receives++
		m.visible = now.Add(lease)
		got = append(got, &broker.Delivery{ID: m.id, Body: m.Body, Headers: m.Headers, Sent: m.sent, Receives: m.receives, Handle: m.receipt})
	}
	return got, next, p.changed
}

func (p *pipe) find(d *broker.Delivery) int {
	return slices.IndexFunc(p.messages, func(m *piped) bool { return m.id == d.ID })
}

// Ack deletes, also by a stale receipt.
func (p *pipe) Ack(_ context.Context, ds []*broker.Delivery) ([]error, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range ds {
		if i := p.find(d); i >= 0 {
			p.messages = slices.Delete(p.messages, i, i+1)
		}
	}
	p.tell()
	return nil, nil
}

func (p *pipe) Nack(_ context.Context, nacks []broker.Nack) ([]error, error) {
	for _, n := range nacks {
		p.show(n.Delivery, n.Delay)
	}
	return nil, nil
}

func (p *pipe) Extend(_ context.Context, d time.Duration, ds []*broker.Delivery) ([]error, error) {
	for _, x := range ds {
		p.show(x, d)
	}
	return nil, nil
}

// show makes a message visible then; a stale receipt does nothing.
func (p *pipe) show(d *broker.Delivery, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.find(d); i >= 0 && p.messages[i].receipt == d.Handle.(int) {
		p.messages[i].visible = time.Now().Add(after)
		p.tell()
	}
}
