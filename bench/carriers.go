package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/mempubsub"

	"github.com/leat-go/leat/backends"
)

// leat is a Backend with one loop that claims for all free slots and settles
// what it claimed, the shape of a worker with a handler that does nothing.
func leat(s scene) open {
	return func(int) (carrier, error) {
		b, err := s.set(context.Background())
		if err != nil {
			return carrier{}, err
		}
		names := tenantNames(s.tenants)
		var turn atomic.Uint64
		return carrier{
			send: func() error {
				tenant := names[turn.Add(1)%uint64(len(names))]
				out, err := b.Enqueue(context.Background(), backends.EnqueueRequest{
					Queue: "bench", Policy: s.policy, Jobs: []backends.Job{newJob(tenant)},
				})
				if err != nil {
					return err
				}
				return out[0].Err
			},
			consume: b.serve,
			close:   func() { b.Close() },
		}, nil
	}
}

func (b *bench) serve(ctx context.Context, done func(jobs int)) error {
	room := make([]backends.Settlement, 0, workers)
	for {
		leases, err := b.claim(ctx, workers)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		if err := b.commit(context.WithoutCancel(ctx), leases, room); err != nil {
			return err
		}
		done(len(leases))
	}
}

// mem is gocloud.dev's memory driver.
func mem(int) (carrier, error) {
	topic := mempubsub.NewTopic()
	sub := mempubsub.NewSubscription(topic, time.Hour)
	return carrier{
		send: func() error { return topic.Send(context.Background(), &pubsub.Message{Body: newPayload()}) },
		consume: func(ctx context.Context, done func(int)) error {
			return crew(func() error {
				for {
					m, err := sub.Receive(ctx)
					if err != nil {
						return unlessEnded(ctx, err)
					}
					m.Ack()
					done(1)
				}
			})
		},
		close: func() {
			ctx := context.Background()
			if err := errors.Join(sub.Shutdown(ctx), topic.Shutdown(ctx)); err != nil {
				panic(err) // nothing can fail here but a mistake of this file
			}
		},
	}, nil
}

// channels is watermill's gochannel: a goroutine per pending message.
func channels(int) (carrier, error) {
	ctx, cancel := context.WithCancel(context.Background())
	ps := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: workers}, watermill.NopLogger{})
	messages, err := ps.Subscribe(ctx, "bench")
	if err != nil {
		cancel()
		return carrier{}, err
	}
	return carrier{
		send: func() error { return ps.Publish("bench", message.NewMessage(newID(), newPayload())) },
		consume: func(ctx context.Context, done func(int)) error {
			return crew(func() error {
				for {
					select {
					case m := <-messages:
						m.Ack()
						done(1)
					case <-ctx.Done():
						return nil
					}
				}
			})
		},
		close: func() {
			cancel()
			if err := ps.Close(); err != nil {
				panic(err) // it never fails
			}
		},
	}, nil
}

// limitCopy is what no queue can beat: a Go channel, and the copy of a payload.
func limitCopy(jobs int) (carrier, error) {
	return goChannel(jobs, newPayload, func([]byte) error { return nil })
}

// limitJSON is the same with the price of typed jobs.
func limitJSON(jobs int) (carrier, error) { return goChannel(jobs, encode, decode) }

func goChannel(jobs int, produce func() []byte, handle func([]byte) error) (carrier, error) {
	c := make(chan []byte, jobs)
	return carrier{
		send: func() error { c <- produce(); return nil },
		consume: func(ctx context.Context, done func(int)) error {
			return crew(func() error {
				for {
					select {
					case p := <-c:
						if err := handle(p); err != nil {
							return err
						}
						done(1)
					case <-ctx.Done():
						return nil
					}
				}
			})
		},
		close: func() {},
	}, nil
}

// crew runs work by all workers, and waits for them.
func crew(work func() error) error {
	var all sync.WaitGroup
	errs := make([]error, workers)
	for i := range errs {
		all.Go(func() { errs[i] = work() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// unlessEnded is err, or nil if it only says that ctx has ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
