package sqs_test

import (
	"testing"
	"time"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
)

// early is a queue whose Acks are answered at once.
func (s *stage) early() *actor {
	s.Helper()
	url := s.queue("", nil)
	tr, err := sqs.New(s.Context(), s.client, url, sqs.Options{EarlyAck: true})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { tr.Close() })
	return &actor{s, tr, url}
}

func (a *actor) receivedTens(n int) (ds []*broker.Delivery) {
	a.Helper()
	for range n {
		for range 10 {
			a.send(text("x"))
		}
		ds = append(ds, a.all(10, time.Minute)...)
	}
	return ds
}

// Acks that come one by one are deleted in tens, the last ones soon.
func TestEarlyAcksGather(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		a := s.early()
		ds := a.receivedTens(2)
		ds = append(ds, a.receivedTens(1)[:3]...)
		before := server.Requests()["DeleteMessageBatch"]
		start := time.Now()
		for _, d := range ds {
			a.good(a.Ack(s.Context(), []*broker.Delivery{d}))
		}
		if d := time.Since(start); d > 0 {
			s.Errorf("Acks took %v", d)
		}
		s.pass(200 * time.Millisecond)
		if left, n := server.Depth(a.url), server.Requests()["DeleteMessageBatch"]-before; left != 7 || n != 3 {
			s.Errorf("%d messages are left after %d requests", left, n)
		}
	})
}

// After a deletion that failed, Acks say so, until one goes well.
func TestEarlyAcksThatFailAreEarlyNoMore(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		a := s.early()
		ds := a.receivedTens(1)
		ack := func(i int) error {
			errs, err := a.Ack(s.Context(), ds[i:i+1])
			if err != nil || len(errs) == 0 {
				return err
			}
			return errs[0]
		}
		server.Fault = deny("DeleteMessageBatch", sqstest.Denied)
		if err := ack(0); err != nil {
			s.Error(err)
		}
		s.pass(time.Second)
		for range 2 {
			wantError(s.T, ack(0), sqs.ErrDenied, "sqs:DeleteMessage")
		}
		server.Fault = nil
		for i := range ds {
			if err := ack(i); err != nil {
				s.Error(err)
			}
		}
		s.pass(time.Second)
		if left := server.Depth(a.url); left != 0 {
			s.Errorf("%d messages are left", left)
		}
	})
}

// Close deletes what still gathers.
func TestCloseDeletesWhatWasAcked(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		a := s.early()
		a.good(a.Ack(s.Context(), a.receivedTens(1)))
		ds := a.receivedTens(1)
		a.good(a.Ack(s.Context(), ds[:3]))
		a.Close()
		a.Close()
		if left := server.Depth(a.url); left != 7 {
			s.Errorf("%d messages are left", left)
		}
	})
}
