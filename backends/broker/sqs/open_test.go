package sqs_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/queue"
)

func init() {
	broker.RegisterRecords("shelf", func(context.Context, *url.URL) (*broker.RecordStore, error) {
		shelves++
		return &broker.RecordStore{Records: backendtest.NewShelf(), Name: "shelf", Durability: backends.Process, Close: func() error { shelves--; return nil }}, nil
	})
}

var shelves int // that are open

// What SQS moves to its dead-letter queue becomes a record.
func TestDeadLettersBecomeRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, "jobs", true)
		dead := open(t, p.server, p.server.Queue("jobs-dead", nil), sqs.Options{})
		b := broker.New(open(t, p.server, p.url, sqs.Options{}), p.shelf, broker.Options{Queue: "jobs", DeadLetters: dead})
		defer b.Close()
		p.server.Queue("jobs", map[string]string{
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:jobs-dead","maxReceiveCount":"1"}`,
		})
		q := queue.New[int, int](b, "jobs")
		ticket, err := q.Enqueue(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		tr := open(t, p.server, p.url, sqs.Options{})
		defer tr.Close()
		for range 2 { // a holder that died, and a receive too many
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			_, _ = tr.Receive(ctx, 1, time.Second)
			cancel()
		}
		<-time.After(10 * time.Minute)
		r, err := b.Lookup(t.Context(), ticket.Ref, 0)
		if err != nil || r.State != queue.Dead {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// account lets URLs find the fake, and nothing of the machine's.
func account(t *testing.T) (server *sqstest.Server, endpoint string) {
	server = sqstest.New()
	h := httptest.NewServer(server)
	t.Cleanup(h.Close)
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/none", "AWS_SHARED_CREDENTIALS_FILE": "/none", "AWS_REGION": "", "AWS_PROFILE": "",
	} {
		t.Setenv(k, v)
	}
	return server, h.URL
}

const theQueue = "awssqs://sqs.eu-west-1.amazonaws.com/123456789012/"

func TestOpenByURL(t *testing.T) {
	server, endpoint := account(t)
	server.Queue("jobs", nil)
	server.Queue("jobs.fifo", nil)
	for _, c := range []struct{ url, name string }{
		{"jobs?endpoint=" + endpoint, "sqs"},
		{"jobs?queue=whatif&records=shelf://&waittime=5s&raw=true&region=eu-west-1&endpoint=" + endpoint, "sqs+shelf"},
		{"jobs.fifo?endpoint=" + endpoint, "sqs.fifo"},
		{"new?create=true&records=shelf://&endpoint=" + endpoint, "sqs+shelf"}, // and its dead letters are drained
	} {
		b, err := backends.Open(t.Context(), theQueue+c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if name := b.Features().Name; name != c.name {
			t.Errorf("%s: %s", c.url, name)
		}
		if err := b.Close(); err != nil || shelves > 0 {
			t.Errorf("%s: closed with %v, %d record stores are open", c.url, err, shelves)
		}
	}
}

func TestOpenByURLRefuses(t *testing.T) {
	_, endpoint := account(t)
	for _, c := range []struct {
		url  string
		kind error
		word string
	}{
		{theQueue + "absent?records=shelf://&endpoint=" + endpoint, sqs.ErrNoQueue, "aws sqs create-queue --queue-name absent --region eu-west-1"},
		{theQueue + "jobs?create=perhaps", backends.ErrInvalid, "create"},
		{theQueue + "jobs?create=true&create=false", backends.ErrInvalid, "given twice"},
		{theQueue + "jobs?waittime=1h", backends.ErrInvalid, "1s to 20s"},
		{theQueue + "jobs?colour=red", nil, "colour"},
		{theQueue + "jobs?region=us-east-1", sqs.ErrRegion, "the queue is in eu-west-1"},
		{theQueue + "jobs?records=nowhere://", backends.ErrInvalid, "nowhere"},
		{"awssqs://", backends.ErrInvalid, "awssqs://"},
		{"awssqs://localhost/0/jobs", sqs.ErrRegion, "AWS_REGION"},
	} {
		b, err := backends.Open(t.Context(), c.url)
		if err == nil {
			b.Close()
		}
		if err == nil || c.kind != nil && !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v", c.url, err)
		}
	}
	if shelves != 0 {
		t.Error("the record store was left open")
	}
}
