package cdk_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/cdk"
)

// bench is a transport on a tray.
type bench struct {
	*testing.T
	*cdk.Transport
	tray *tray
}

// onTray runs a test in virtual time.
func onTray(t *testing.T, y *tray, h cdk.Hooks, test func(*bench)) {
	synctest.Test(t, func(t *testing.T) {
		y.changed = make(chan struct{})
		b := &bench{t, cdk.New(y.options(h)), y}
		defer func() {
			if err := b.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}()
		test(b)
	})
}

func (b *bench) send(n int) {
	b.Helper()
	ms := make([]broker.Message, n)
	for i := range ms {
		ms[i].Body = fmt.Append(nil, "message ", i)
	}
	errs, err := b.Send(b.Context(), ms)
	if err := errors.Join(append(errs, err)...); err != nil {
		b.Fatalf("Send: %v", err)
	}
}

// receive expects so many messages within an hour, for a lease of an hour.
func (b *bench) receive(n int) []*broker.Delivery {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	ds, err := b.Receive(ctx, n, time.Hour)
	if err != nil || len(ds) != n {
		b.Fatalf("Receive gave %d deliveries, error %v; want %d", len(ds), err, n)
	}
	return ds
}

// receiveNone expects nothing for so long.
func (b *bench) receiveNone(d time.Duration) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), d)
	defer cancel()
	if ds, err := b.Receive(ctx, 1, time.Hour); len(ds) > 0 || !errors.Is(err, context.DeadlineExceeded) {
		b.Fatalf("Receive gave %d deliveries, error %v; want none", len(ds), err)
	}
}

func (b *bench) ack(ds ...*broker.Delivery) {
	b.Helper()
	errs, err := b.Ack(b.Context(), ds)
	if err := errors.Join(append(errs, err)...); err != nil {
		b.Fatalf("Ack: %v", err)
	}
	synctest.Wait()
}

func (b *bench) nack(d *broker.Delivery, delay time.Duration) {
	b.Helper()
	errs, err := b.Nack(b.Context(), []broker.Nack{{Delivery: d, Delay: delay}})
	if err := errors.Join(append(errs, err)...); err != nil {
		b.Fatalf("Nack: %v", err)
	}
	synctest.Wait()
}

// expect expects so many messages ready and out.
func (b *bench) expect(ready, out int) {
	b.Helper()
	synctest.Wait()
	if r, o := b.tray.counts(); r != ready || o != out {
		b.Fatalf("%d messages are ready and %d out, want %d and %d", r, o, ready, out)
	}
}

func TestReceive_LeasesNoMoreThanAsked(t *testing.T) {
	onTray(t, newTray(), cdk.Hooks{}, func(b *bench) {
		b.send(50)
		b.receive(4)
		b.expect(46, 4)
		b.receive(3)
		b.expect(43, 7)
	})
}

func TestReceive_GivenUpGivesBack(t *testing.T) {
	onTray(t, newTray(), cdk.Hooks{}, func(b *bench) {
		b.receiveNone(time.Second) // its request stays under way
		b.send(1)
		<-time.After(time.Second)
		b.expect(1, 0)
		b.ack(b.receive(1)...)
	})
}

func TestReceive_FirstComeFirstServed(t *testing.T) {
	onTray(t, newTray(), cdk.Hooks{}, func(b *bench) {
		served := make(chan int, 3)
		for i := range 3 {
			go func() {
				if ds, err := b.Receive(b.Context(), 1, time.Hour); err == nil && len(ds) == 1 {
					served <- i
				}
			}()
			synctest.Wait()
		}
		for i := range 3 {
			b.send(1)
			if got := <-served; got != i {
				b.Fatalf("number %d was served before number %d", got, i)
			}
		}
	})
}

func TestReceive_BrokenSubscriptionIsOpenedAnew(t *testing.T) {
	y := newTray()
	y.lapse = true
	onTray(t, y, cdk.Hooks{}, func(b *bench) {
		b.send(3)
		b.ack(b.receive(1)...)
		b.tray.breakNow()
		if _, err := b.Receive(b.Context(), 3, time.Hour); !errors.Is(err, errBroken) {
			b.Fatalf("error %v, want the driver's", err)
		}
		b.ack(b.receive(2)...)
		b.expect(0, 0)
		if y.subs != 2 {
			b.Fatalf("%d subscriptions were opened, want 2", y.subs)
		}
	})
}

func TestAck_GoesToTheSubscriptionThatBroke(t *testing.T) {
	onTray(t, newTray(), cdk.Hooks{}, func(b *bench) {
		b.send(2)
		ds := b.receive(2)
		b.tray.breakNow()
		if _, err := b.Receive(b.Context(), 1, time.Hour); !errors.Is(err, errBroken) {
			b.Fatalf("error %v, want the driver's", err)
		}
		b.ack(ds[0])
		b.expect(0, 1)
		b.receiveNone(time.Second) // opened anew
		b.send(1)
		b.ack(b.receive(1)...)
		b.nack(ds[1], 0)
		b.expect(1, 0)
		b.ack(b.receive(1)...)
	})
}

func TestReceive_WhatRunsGoesOnWhenTheConnectionIsLost(t *testing.T) {
	y := newTray()
	y.lapse = true
	onTray(t, y, cdk.Hooks{}, func(b *bench) {
		b.send(2)
		ds := b.receive(2)
		b.tray.breakNow()
		if _, err := b.Receive(b.Context(), 1, time.Hour); !errors.Is(err, errBroken) {
			b.Fatalf("error %v, want the driver's", err)
		}
		b.receiveNone(time.Minute) // both come again, and are known
		b.expect(0, 2)
		b.ack(ds[0])
		b.expect(0, 1)
		b.nack(ds[1], 0)
		b.ack(b.receive(1)...)
		b.expect(0, 0)
	})
}

func TestSend_FailedTopicIsOpenedAnew(t *testing.T) {
	onTray(t, newTray(), cdk.Hooks{}, func(b *bench) {
		b.send(1)
		b.tray.breakNow()
		errs, err := b.Send(b.Context(), []broker.Message{{}})
		if err != nil || len(errs) != 1 || !errors.Is(errs[0], errBroken) {
			b.Fatalf("errors %v, %v; want the driver's", errs, err)
		}
		b.send(1)
		if b.tray.topics != 2 || b.tray.subs != 0 {
			b.Fatalf("%d topics and %d subscriptions opened, want 2 and 0", b.tray.topics, b.tray.subs)
		}
	})
}

func TestClose_GivesBackAll(t *testing.T) {
	y := newTray()
	onTray(t, y, cdk.Hooks{}, func(b *bench) {
		b.send(5)
		ds := b.receive(3)
		b.nack(ds[0], time.Minute)
		b.expect(2, 3)
		if err := b.Close(); err != nil {
			b.Fatal(err)
		}
		b.expect(5, 0)
		if _, err := b.Receive(b.Context(), 1, time.Hour); err == nil {
			b.Fatal("a closed transport received")
		}
		if _, err := b.Send(b.Context(), []broker.Message{{}}); err == nil {
			b.Fatal("a closed transport sent")
		}
	})
}

func TestClose_GivesBackWhatWasFetchedAhead(t *testing.T) {
	y := newTray()
	y.prefetch, y.poll = 10, 100*time.Millisecond
	onTray(t, y, cdk.Hooks{Prefetch: 20}, func(b *bench) {
		b.send(30)
		for range 20 {
			b.ack(b.receive(1)...) // in haste: the subscription fetches more and more
		}
		if err := b.Close(); err != nil {
			b.Fatal(err)
		}
		b.expect(10, 0)
	})
}

func TestHooks_StandInForTheDriver(t *testing.T) {
	var acks, nacks, extended int
	h := cdk.Hooks{
		Facts:    broker.TransportFeatures{MaxDelay: time.Minute},
		Send:     func(m *broker.Message, out *pubsub.Message) { out.Metadata["delay"] = m.Delay.String() },
		Receives: func(*pubsub.Message) int { return 7 },
		Sent:     func(*pubsub.Message) time.Time { return time.Unix(1, 0) },
		Ack:      func(context.Context, *pubsub.Message) error { acks++; return errBroken },
		Nack:     func(context.Context, *pubsub.Message) error { nacks++; return nil },
		Extend:   func(context.Context, *pubsub.Message, time.Duration) error { extended++; return nil },
	}
	onTray(t, newTray(), h, func(b *bench) {
		if f := b.Features(); f.CheapExtend || !f.Counts || f.MaxDelay != time.Minute || f.Name != "cdk" {
			b.Fatalf("features: %+v", f)
		}
		if _, err := b.Send(b.Context(), []broker.Message{{Delay: time.Second, Headers: map[string]string{"a": "b"}}, {}}); err != nil {
			b.Fatal(err)
		}
		ds := b.receive(2)
		for _, d := range ds {
			if d.Receives != 7 || !d.Sent.Equal(time.Unix(1, 0)) || d.Headers["delay"] == "" {
				b.Fatalf("delivery: %+v", d)
			}
		}
		if errs, _ := b.Ack(b.Context(), ds[:1]); !errors.Is(errs[0], errBroken) {
			b.Fatalf("the failed ack told nobody: %v", errs)
		}
		b.nack(ds[1], 0)
		if acks != 1 || nacks != 1 || extended != 2 {
			b.Fatalf("%d acks, %d nacks, %d leases set by the hooks", acks, nacks, extended)
		}
	})
}
