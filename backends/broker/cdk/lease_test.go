package cdk_test

import (
	"errors"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/cdk"
)

func TestNack_HoldsForTheDelay(t *testing.T) {
	onTray(t, newTray(), cdk.Hooks{}, func(b *bench) {
		b.send(1)
		d := b.receive(1)[0]
		b.nack(d, time.Minute)
		if errs, _ := b.Ack(b.Context(), []*broker.Delivery{d}); errs[0] == nil {
			b.Fatal("a delivery that waits for its delay could be acked")
		}
		b.receiveNone(59 * time.Second)
		b.expect(0, 1)
		again := b.receive(1)[0]
		if again.ID != d.ID {
			b.Fatalf("came as %s and %s", d.ID, again.ID)
		}
		if errs, _ := b.Ack(b.Context(), []*broker.Delivery{d}); errs[0] == nil {
			b.Fatal("the delivery that was given back could be acked")
		}
		b.ack(again)
		b.expect(0, 0)
	})
}

func TestLease_LapsesHere(t *testing.T) {
	onTray(t, newTray(), cdk.Hooks{}, func(b *bench) {
		b.send(1)
		d := b.receive(1)[0]
		<-time.After(time.Hour + time.Second) // kept a little while for its holder
		b.expect(0, 1)
		<-time.After(time.Minute)
		b.expect(1, 0)
		if errs, _ := b.Extend(b.Context(), time.Hour, []*broker.Delivery{d}); errs[0] == nil {
			b.Fatal("a lease that lapsed could be extended")
		}
		b.ack(b.receive(1)...)
	})
}

func TestLease_IsExtended(t *testing.T) {
	onTray(t, newTray(), cdk.Hooks{}, func(b *bench) {
		b.send(1)
		ds := b.receive(1)
		for range 5 {
			<-time.After(50 * time.Minute)
			if errs, err := b.Extend(b.Context(), time.Hour, ds); err != nil || errors.Join(errs...) != nil {
				b.Fatalf("Extend: %v, %v", errs, err)
			}
		}
		b.receiveNone(59 * time.Minute)
		b.ack(ds...)
		b.expect(0, 0)
	})
}

func TestLease_OutlivesTheDeadlineOfTheBroker(t *testing.T) {
	onTray(t, newTray(), cdk.Hooks{}, func(b *bench) {
		b.send(2)
		ds := b.receive(2)
		b.nack(ds[1], time.Minute)
		b.tray.deadline()
		b.receiveNone(59 * time.Second)
		b.expect(0, 2)
		b.ack(ds[0])
		b.ack(b.receive(1)...)
		b.expect(0, 0)
	})
}

func TestWithoutNack_MessagesComeAgainHere(t *testing.T) {
	y := newTray()
	y.noNack = true
	onTray(t, y, cdk.Hooks{}, func(b *bench) {
		b.send(1)
		d := b.receive(1)[0]
		b.nack(d, time.Minute)
		b.receiveNone(59 * time.Second)
		again := b.receive(1)[0]
		if again.ID != d.ID {
			b.Fatalf("came as %s and %s", d.ID, again.ID)
		}
		b.nack(again, 0)
		again = b.receive(1)[0]
		<-time.After(2 * time.Hour) // lapsed long ago
		b.ack(b.receive(1)...)
		b.expect(0, 0)
		if errs, _ := b.Ack(b.Context(), []*broker.Delivery{again}); errs[0] == nil {
			b.Fatal("the lapsed delivery could be acked")
		}
	})
}
