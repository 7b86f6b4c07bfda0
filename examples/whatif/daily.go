package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/examples/whatif/feature"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// settled waits until the write-backs of all successes are in the offline store:
// they may come after the ready event. It gives up after some seconds.
func (s *story) settled(ctx context.Context, want int) ([]feature.Change, error) {
	for tries := 0; ; tries++ {
		changes, err := s.writebacks(ctx)
		if err != nil || len(changes) >= want || tries == 40 {
			return changes, err
		}
		select {
		case <-ctx.Done():
			return changes, ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// daily is tomorrow's batch: the accepted setting of each screen, from the offline
// store, computed anew. It tells whether both sides of the feature store agree.
func (s *story) daily(ctx context.Context) (told string, err error) {
	changes, err := s.writebacks(ctx)
	if err != nil {
		return "", err
	}
	batch := feature.Newest(changes)
	online, err := s.store.Newest(ctx)
	if err != nil {
		return "", err
	}
	apart := feature.Differ(batch, online)
	again, err := s.compute(ctx, batch)
	if err != nil {
		return "", err
	}
	moved := feature.Differ(batch, again)
	told = fmt.Sprintf("tomorrow's batch: %d screens from the offline store; %d agree with the online side, %d plans came out the same to the bit\n",
		len(batch), len(batch)-len(apart), len(batch)-len(moved))
	if len(apart)+len(moved) > 0 {
		err = fmt.Errorf("the sides differ on %q, the plans on %q", apart, moved)
	}
	return told, err
}

// compute runs a batch through the queue, in a place of its own for each screen, and
// returns it with the plans that came out.
func (s *story) compute(ctx context.Context, batch []feature.Change) ([]feature.Change, error) {
	items := make([]queue.Item[settings], len(batch))
	for i, c := range batch {
		items[i] = queue.With(c.Settings, queue.Tenant(c.Partner), queue.Key("tomorrow after "+c.Job))
	}
	outcomes, err := s.queue.EnqueueAll(ctx, items)
	if err != nil {
		return nil, err
	}
	again := make([]feature.Change, len(batch))
	for i, o := range outcomes {
		again[i] = batch[i]
		plan, err := result.Wait(ctx, s.queue, o.Ref)
		if err = errors.Join(o.Err, err); err != nil {
			return nil, err
		}
		again[i].Plan = plan
	}
	return again, nil
}
