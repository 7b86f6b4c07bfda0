package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
)

func scenes() []scene { return slices.Concat(ofLeases, ofSends, ofOthers) }

var ofLeases = []scene{
	{"WhatIsSentIsReceivedOnceAndAcked", func(s *stage) {
		a := s.standard()
		var ms []broker.Message
		want := map[string]bool{}
		for i := range 23 {
			body := fmt.Sprintf(`{"n":%d}`, i)
			want[body] = true
			ms = append(ms, broker.Message{Body: []byte(body), Group: "g", Headers: map[string]string{"n": fmt.Sprint(i)}})
		}
		a.send(ms...)
		ds := a.all(23, time.Minute)
		for _, d := range ds {
			if !want[string(d.Body)] || d.ID == "" || d.Receives != 1 || time.Since(d.Sent).Abs() > time.Minute ||
				fmt.Sprintf(`{"n":%s}`, d.Headers["n"]) != string(d.Body) {
				s.Errorf("%s: %+v", d.Body, d)
			}
			delete(want, string(d.Body))
		}
		a.good(a.Ack(s.Context(), ds))
		a.nothing(1200 * time.Millisecond)
	}},
	{"NeverMoreThanAsked", func(s *stage) {
		a := s.standard()
		for range 2 {
			a.send(slices.Repeat([]broker.Message{text("x")}, 10)...)
		}
		a.receive(3, time.Minute)
		a.receive(16, time.Minute)
	}},
	{"GivenBackItComesAgain", func(s *stage) {
		a := s.standard()
		a.send(text("x"))
		d := a.receive(10, time.Minute)[0]
		a.good(a.Nack(s.Context(), []broker.Nack{{Delivery: d}}))
		again := a.receive(10, time.Minute)[0]
		if again.ID != d.ID || again.Receives != 2 {
			s.Fatalf("%+v, before %+v", again, d)
		}
		a.good(a.Nack(s.Context(), []broker.Nack{{Delivery: again, Delay: 1500 * time.Millisecond}})) // two seconds
		a.nothing(1300 * time.Millisecond)
		a.receive(10, time.Minute)
	}},
	{"LeaseLapses", func(s *stage) {
		a := s.standard()
		a.send(text("x"))
		old := a.receive(10, time.Second)
		a.nothing(500 * time.Millisecond)
		now := a.receive(10, time.Minute)
		if now[0].ID != old[0].ID {
			s.Fatal("another message")
		}
		errs, err := a.Extend(s.Context(), time.Minute, old)
		if err != nil || s.fake && !errors.Is(errs[0], backends.ErrLost) {
			s.Errorf("a lost lease was extended: %v, %v", errs, err)
		}
		a.good(a.Nack(s.Context(), []broker.Nack{{Delivery: old[0]}}))
		a.good(a.Extend(s.Context(), time.Minute, now))
		a.good(a.Ack(s.Context(), now))
		a.good(a.Ack(s.Context(), now)) // once more
		a.good(a.Nack(s.Context(), []broker.Nack{{Delivery: now[0]}}))
		if errs, err := a.Extend(s.Context(), time.Minute, now); err != nil || !errors.Is(errs[0], backends.ErrLost) {
			s.Errorf("what was acked was extended: %v, %v", errs, err)
		}
	}},
	{"LeaseIsExtended", func(s *stage) {
		a := s.standard()
		a.send(text("x"), text("y"))
		ds := a.all(2, time.Second)
		a.good(a.Extend(s.Context(), 3*time.Second, ds))
		a.nothing(2 * time.Second)
		a.all(2, time.Minute)
	}},
	{"ReceiveWakes", func(s *stage) {
		a := s.standard()
		sent := make(chan struct{})
		go func() { s.pass(300 * time.Millisecond); a.send(text("x")); close(sent) }()
		start := time.Now()
		a.receive(10, time.Minute)
		<-sent
		if d := time.Since(start); d > 2*time.Second {
			s.Errorf("after %v", d)
		}
	}},
	{"ReceiveEndsWithItsContext", func(s *stage) {
		a := s.standard()
		ctx, cancel := context.WithCancel(s.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		if ds, err := a.Receive(ctx, 10, time.Second); ds != nil || !errors.Is(err, context.Canceled) {
			s.Errorf("%v, %v", ds, err)
		}
		a.send(text("x")) // fauxqs may lease it to the request that was broken off; that lapses
		a.receive(10, time.Minute)
	}},
}

var ofSends = []scene{
	{"DelayedOneComesLater", func(s *stage) {
		a := s.standard()
		a.send(broker.Message{Body: []byte("x"), Group: "g", Delay: 1200 * time.Millisecond})
		a.nothing(time.Second)
		a.receive(10, time.Minute)
	}},
	{"BadOneSparesItsNeighbours", func(s *stage) {
		a := s.standard()
		ms := []broker.Message{
			text("fine"), text("bell \a"), text("not UTF-8 \xff"), text(strings.Repeat("x", a.Features().MaxMessage+1)),
			text("{\"a\":\"\uffff\"}"), text("bare \uffff"), text(""), text("fine too"),
		}
		errs, err := a.Send(s.Context(), ms)
		if err != nil {
			s.Fatal(err)
		}
		want := []error{nil, backends.ErrInvalid, backends.ErrInvalid, backends.ErrTooLarge, nil, backends.ErrInvalid, backends.ErrInvalid, nil}
		for i := range want {
			if !errors.Is(errs[i], want[i]) {
				s.Errorf("%q: error %v, want %v", ms[i].Body[:min(20, len(ms[i].Body))], errs[i], want[i])
			}
		}
		var got []string
		for _, d := range a.all(3, time.Minute) {
			got = append(got, string(d.Body))
		}
		slices.Sort(got)
		if diff := cmp.Diff([]string{"fine", "fine too", `{"a":"\uffff"}`}, got); diff != "" {
			s.Error(diff)
		}
	}},
	{"LargestFits", func(s *stage) {
		a := s.standard()
		n := a.Features().MaxMessage
		a.send(text(strings.Repeat("x", n)))
		if errs, err := a.Send(s.Context(), []broker.Message{text(strings.Repeat("x", n+1))}); err != nil || !errors.Is(errs[0], backends.ErrTooLarge) {
			s.Errorf("%v, %v", errs, err)
		}
		if d := a.receive(10, time.Minute)[0]; len(d.Body) != n {
			s.Errorf("%d bytes", len(d.Body))
		}
	}},
	{"LargeOnesGoInSeveralRequests", func(s *stage) {
		a := s.standard()
		a.send(slices.Repeat([]broker.Message{text(strings.Repeat("x", 200_000))}, 10)...)
		a.all(10, time.Minute)
	}},
	{"ManyHeadersAreCut", func(s *stage) {
		a := s.standard()
		m := text("x")
		m.Headers = map[string]string{"aws.mine": "no", "bad name": "no", "empty": ""}
		for i := range 12 {
			m.Headers[fmt.Sprintf("h%02d", i)] = "v"
		}
		a.send(m)
		if d := a.receive(10, time.Minute)[0]; len(d.Headers) != 10 || d.Headers["h09"] != "v" {
			s.Errorf("%v", d.Headers)
		}
	}},
	{"FIFOKeepsTheOrderAndDropsRepeats", func(s *stage) {
		a := s.fifo()
		var want []string
		for i := range 15 {
			body := fmt.Sprint(i)
			want = append(want, body)
			a.send(broker.Message{Body: []byte(body), Group: "g", Dedup: body, Delay: time.Minute}) // which it ignores
			a.send(broker.Message{Body: []byte("again"), Group: "g", Dedup: body})
		}
		var got []string
		for len(got) < len(want) {
			ds := a.receive(10, time.Minute)
			for _, d := range ds {
				got = append(got, string(d.Body))
			}
			a.good(a.Ack(s.Context(), ds))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			s.Error(diff)
		}
	}},
}

// So do Acks, Nacks and Extends.
func TestConcurrentSettlementsShareRequests(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		a := s.standard()
		var ds []*broker.Delivery
		for range 10 {
			a.send(slices.Repeat([]broker.Message{text("x")}, 10)...)
			ds = append(ds, a.all(10, time.Minute)...)
		}
		for _, c := range []struct {
			name   string
			settle func(*broker.Delivery) ([]error, error)
		}{
			{"Extend", func(d *broker.Delivery) ([]error, error) {
				return a.Extend(s.Context(), time.Minute, []*broker.Delivery{d})
			}},
			{"Ack", func(d *broker.Delivery) ([]error, error) { return a.Ack(s.Context(), []*broker.Delivery{d}) }},
			{"Nack", func(d *broker.Delivery) ([]error, error) { return a.Nack(s.Context(), []broker.Nack{{Delivery: d}}) }},
		} {
			before := server.Requests()[""]
			done := make(chan struct{})
			for _, d := range ds {
				go func() {
					if errs, err := c.settle(d); err != nil || errors.Join(errs...) != nil {
						s.Error(errs, err)
					}
					done <- struct{}{}
				}()
			}
			for range ds {
				<-done
			}
			if n := server.Requests()[""] - before; n > 12 {
				s.Errorf("%s: %d requests for a hundred at a time", c.name, n)
			}
		}
	})
}

// Sends of many goroutines share requests.
func TestConcurrentSendsShareRequests(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		a := s.standard()
		before := server.Requests()["SendMessageBatch"]
		done := make(chan struct{})
		for range 100 {
			go func() { a.send(text("x")); done <- struct{}{} }()
		}
		for range 100 {
			<-done
		}
		if n := server.Requests()["SendMessageBatch"] - before; n > 12 {
			t.Errorf("%d requests for a hundred sends at a time", n)
		}
	})
}
