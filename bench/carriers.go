package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"gocloud.dev/pubsub"
	"gocloud.dev/pubsub/mempubsub"
)

// mem is gocloud.dev's memory driver.
func mem(int) (carrier, error) {
	topic := mempubsub.NewTopic()
	sub := mempubsub.NewSubscription(topic, time.Hour)
	return carrier{
		send: func() error { return topic.Send(context.Background(), &pubsub.Message{Body: encode()}) },
		consume: func(ctx context.Context, done func(int)) error {
			return crew(func() error {
				for {
					m, err := sub.Receive(ctx)
					if err != nil {
						return unlessEnded(ctx, err)
					}
					if err := decode(m.Body); err != nil {
						return err
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
		send: func() error { return ps.Publish("bench", message.NewMessage(newID(), encode())) },
		consume: func(ctx context.Context, done func(int)) error {
			return crew(func() error {
				for {
					select {
					case m := <-messages:
						if err := decode(m.Payload); err != nil {
							return err
						}
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
