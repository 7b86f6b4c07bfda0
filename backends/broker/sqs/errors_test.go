package sqs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
)

// deny fails one action.
func deny(action string, f sqstest.Fault) func(string) sqstest.Fault {
	return func(a string) sqstest.Fault {
		if a == action {
			return f
		}
		return sqstest.None
	}
}

func wantError(t *testing.T, err, kind error, word string) {
	t.Helper()
	var e *sqs.Error
	if !errors.Is(err, kind) || !errors.As(err, &e) || !strings.Contains(err.Error(), word) {
		t.Errorf("got %v, want %v with %q", err, kind, word)
	}
}

// A missing right is named, before a message is leased that could not be settled.
func TestMissingRightIsNamed(t *testing.T) {
	for action, right := range map[string]string{
		"ReceiveMessage":               "sqs:ReceiveMessage",
		"DeleteMessageBatch":           "sqs:DeleteMessage",
		"ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
	} {
		t.Run(action, func(t *testing.T) {
			inBubble(t, func(s *stage, server *sqstest.Server) {
				a := s.standard()
				a.send(text("x"))
				server.Fault = deny(action, sqstest.Denied)
				for range 2 {
					_, err := a.Receive(s.Context(), 10, time.Minute)
					wantError(s.T, err, sqs.ErrDenied, right)
				}
				if n := server.InFlight(a.url); n > 0 {
					s.Errorf("%d messages were leased", n)
				}
				server.Fault = nil
				a.receive(10, time.Minute)
			})
		})
	}
}

func TestSendWithoutRight(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		a := s.standard()
		server.Fault = deny("SendMessageBatch", sqstest.Denied)
		errs, err := a.Send(s.Context(), []broker.Message{text("x")})
		if err != nil {
			s.Fatal(err)
		}
		wantError(s.T, errs[0], sqs.ErrDenied, "sqs:SendMessage")
	})
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		url := s.queue("", nil)
		for _, c := range []struct {
			fault sqstest.Fault
			kind  error
			word  string
		}{
			{sqstest.Denied, sqs.ErrDenied, "sqs:GetQueueAttributes"},
			{sqstest.Expired, sqs.ErrCredentials, "log in again"},
		} {
			server.Fault = deny("GetQueueAttributes", c.fault)
			_, err := sqs.New(s.Context(), s.client, url, sqs.Options{})
			wantError(s.T, err, c.kind, c.word)
		}
		server.Fault = nil
		_, err := sqs.New(s.Context(), s.client, strings.Replace(url, "eu-west-1", "us-east-2", 1), sqs.Options{})
		wantError(s.T, err, sqs.ErrRegion, "the client is for eu-west-1, the queue is in us-east-2")
		_, err = sqs.New(s.Context(), sdk.New(sdk.Options{HTTPClient: s.client.Options().HTTPClient}), url, sqs.Options{})
		wantError(s.T, err, sqs.ErrRegion, "AWS_REGION")
		_, err = sqs.New(s.Context(), s.client, strings.Replace(url, sqstest.Account, "210987654321", 1)+"-of-others", sqs.Options{Create: true})
		wantError(s.T, err, sqs.ErrCredentials, "another account")
	})
}

// The client is as good as before, once the cause is gone.
func TestExpiredCredentialsHeal(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		a := s.standard()
		a.send(text("x"))
		server.Fault = deny("ReceiveMessage", sqstest.Expired)
		_, err := a.Receive(s.Context(), 10, time.Minute)
		wantError(s.T, err, sqs.ErrCredentials, "log in again")
		server.Fault = nil
		a.receive(10, time.Minute)
	})
}

// What an error offers to a shell holds nothing but names.
func TestRow_G1_NoCommandOfWhatIsNoName(t *testing.T) {
	inBubble(t, func(s *stage, server *sqstest.Server) {
		for _, name := range []string{"a;touch x", "$(touch x)", "`touch x`", "a b", "a.fifo.fifo", ""} {
			_, err := sqs.New(s.Context(), s.client, "https://sqs.eu-west-1.amazonaws.com/123456789012/"+name, sqs.Options{})
			if err == nil || strings.Contains(err.Error(), "aws sqs") {
				s.Errorf("%q: %v", name, err)
			}
		}
	})
}
