package sqs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
)

// until is a Receive that ends by its deadline, with nothing.
func (a *actor) until(d time.Duration, most int) {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), d)
	defer cancel()
	if _, err := a.Receive(ctx, most, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		a.Fatal(err)
	}
}

// Who asks again and again shares one long poll; who comes later, or wants less,
// has one of his own.
func TestPollOutlivesAReceive(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		tr, err := sqs.New(s.Context(), s.client, s.queue("", nil), sqs.Options{})
		if err != nil {
			s.Fatal(err)
		}
		a := &actor{stage: s, Transport: tr}
		defer a.Close()
		polls := func() int { return server.Requests()["ReceiveMessage"] }
		for range 6 {
			a.until(3*time.Second, 10)
		}
		if polls() != 1 {
			s.Errorf("%d polls in 18 s", polls())
		}
		a.until(time.Second/2, 3)
		if polls() != 2 {
			s.Errorf("a poll for ten served one who wanted three")
		}
		s.pass(time.Second)
		a.until(time.Second/2, 3)
		if polls() != 2 {
			s.Errorf("a poll that was left open was not taken up")
		}
	})
}

// What a poll brings that nobody waits for goes back at once.
func TestPollThatNobodyWaitsForGivesBack(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		url := s.queue("", nil)
		a, b := s.at(url), s.at(url)
		a.until(500*time.Millisecond, 10)
		b.send(text("x")) // a's poll is still open
		s.pass(5 * time.Millisecond)
		if server.InFlight(url) != 1 {
			s.Fatal("the poll that was left open brought nothing: the test tests nothing")
		}
		start := time.Now()
		b.receive(10, time.Minute)
		if d := time.Since(start); d > 100*time.Millisecond {
			s.Errorf("after %v", d)
		}
	})
}

// A Receive that is cancelled leaves a poll behind, too: what that brings, later,
// must not be hidden until a lease ends that nobody holds.
func TestPollOfACancelledReceiveGivesBack(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		url := s.queue("", nil)
		a, b := s.at(url), s.at(url)
		ctx, cancel := context.WithCancel(s.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := a.Receive(ctx, 10, time.Hour); !errors.Is(err, context.Canceled) {
			s.Fatal(err)
		}
		s.pass(5 * time.Second)
		b.send(text("x"))
		start := time.Now()
		b.receive(10, time.Minute)
		if d := time.Since(start); d > 100*time.Millisecond {
			s.Errorf("after %v", d)
		}
	})
}

// Close gives back what a poll has brought, and breaks off what it has not.
func TestCloseGivesBack(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		url := s.queue("", nil)
		a, b := s.at(url), s.at(url)
		a.until(500*time.Millisecond, 10)
		b.send(text("x"))
		s.pass(5 * time.Millisecond)
		waiting := make(chan error)
		go func() {
			_, err := b.Receive(s.Context(), 10, time.Minute)
			waiting <- err
		}()
		a.Close()
		if err := <-waiting; err != nil || server.InFlight(url) != 1 {
			s.Errorf("what a held did not come to b: %v", err)
		}
		go func() {
			_, err := b.Receive(s.Context(), 10, time.Minute)
			waiting <- err
		}()
		s.pass(time.Millisecond * 10)
		b.Close()
		if err := <-waiting; err == nil {
			s.Error("a Receive that Close broke off has no error")
		}
		if _, err := b.Receive(s.Context(), 10, time.Minute); err == nil {
			s.Error("Receive after Close")
		}
	})
}

// SQS hides a message for twelve hours in all: what is asked beyond is cut.
func TestExtensionsAreCutAtTwelveHours(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		a := s.standard()
		a.send(text("x"))
		ds := a.receive(10, 2*time.Hour)
		s.pass(time.Hour)
		a.good(a.Extend(s.Context(), 12*time.Hour, ds))
		s.pass(11*time.Hour - time.Minute)
		if server.InFlight(a.url) != 1 {
			s.Error("the extension was refused")
		}
		a.good(a.Nack(s.Context(), []broker.Nack{{Delivery: ds[0], Delay: 12 * time.Hour}}))
		s.pass(2 * time.Minute)
		a.receive(10, time.Minute)
	})
}
