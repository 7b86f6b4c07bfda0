package sqs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
)

// A caller leaves when its context ends, also the one whose request hangs for all.
func TestCallsEndWithTheirContexts(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		a := s.standard()
		a.send(text("x"))
		ds := a.receive(10, time.Minute)
		server.Latency = time.Hour
		for name, call := range map[string]func(context.Context) error{
			"Send":   func(ctx context.Context) error { _, err := a.Send(ctx, []broker.Message{text("x")}); return err },
			"Ack":    func(ctx context.Context) error { _, err := a.Ack(ctx, ds); return err },
			"Nack":   func(ctx context.Context) error { _, err := a.Nack(ctx, []broker.Nack{{Delivery: ds[0]}}); return err },
			"Extend": func(ctx context.Context) error { _, err := a.Extend(ctx, time.Minute, ds); return err },
		} {
			start := time.Now()
			ctx, cancel := context.WithTimeout(s.Context(), time.Second)
			err := call(ctx)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
				s.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
		}
		start := time.Now()
		a.Close()
		if d := time.Since(start); d > time.Second {
			s.Errorf("Close took %v", d)
		}
		if _, err := a.Send(s.Context(), []broker.Message{text("x")}); err == nil {
			s.Error("Send after Close")
		}
	})
}
