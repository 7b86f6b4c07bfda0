package sqs_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
)

// ofOthers: what other programs sent, and queues that others made.
var ofOthers = []scene{
	{"BodiesOfOthersAreUnwrapped", func(s *stage) {
		a := s.standard()
		coded := base64.StdEncoding.EncodeToString([]byte("\xff\x00"))
		for _, c := range []struct {
			body    string
			marked  bool
			want    string
			headers map[string]string
		}{
			{"plain text", false, "plain text", nil},
			{`{"any":"JSON"}`, false, `{"any":"JSON"}`, nil},
			{`{"Type":"Notification","TopicArn":"t","Message":"hello","MessageAttributes":{"k":{"Type":"String","Value":"v"}}}`, false, "hello", map[string]string{"k": "v"}},
			{`{"Type":"Notification","Message":"` + coded + `","MessageAttributes":{"base64encoded":{"Type":"String","Value":"true"}}}`, false, "\xff\x00", nil},
			{`{"Type":"Notification","text":"without a message"}`, false, `{"Type":"Notification","text":"without a message"}`, nil},
			{coded, true, "\xff\x00", nil},
			{"no base64!", true, "no base64!", nil},
		} {
			s.sendRaw(a.url, c.body, c.marked)
			ds := a.receive(10, time.Minute)
			if string(ds[0].Body) != c.want || len(c.headers) > 0 && !cmp.Equal(c.headers, ds[0].Headers) {
				s.Errorf("%s: got %q with %v", c.body, ds[0].Body, ds[0].Headers)
			}
			a.good(a.Ack(s.Context(), ds))
		}
	}},
	{"FeaturesAreTheQueuesOwn", func(s *stage) {
		f := s.at(s.queue("", map[string]string{"MessageRetentionPeriod": "3600", "MaximumMessageSize": "2048"})).Features()
		if f.Name != "sqs" || f.Retention != time.Hour || f.MaxMessage != 2048 || f.FIFO || f.MaxDelay != 15*time.Minute {
			s.Errorf("%+v", f)
		}
		if f := s.fifo().Features(); f.Name != "sqs.fifo" || !f.FIFO || f.MaxDelay != 0 {
			s.Errorf("%+v", f)
		}
	}},
	{"DeadLettersAreFound", func(s *stage) {
		dead := s.queue("-dead", nil)
		arn := "arn:aws:sqs:eu-west-1:000000000000:" + dead[strings.LastIndexByte(dead, '/')+1:]
		a := s.at(s.queue("", map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, arn)}))
		a.send(text("x"))
		a.receive(10, time.Second)
		a.nothing(1500 * time.Millisecond)
		tr, err := a.DeadLetters(s.Context())
		if err != nil || tr == nil {
			s.Fatal(tr, err)
		}
		defer tr.Close()
		if d := (&actor{s, tr, dead}).receive(10, time.Minute)[0]; string(d.Body) != "x" {
			s.Errorf("%s", d.Body)
		}
		if tr, err := s.standard().DeadLetters(s.Context()); tr != nil || err != nil {
			s.Errorf("dead letters of a queue without: %v, %v", tr, err)
		}
	}},
	{"MissingQueueIsNamedOrCreated", func(s *stage) {
		for _, end := range []string{"", ".fifo"} {
			url := s.queue("", nil) + "-absent" + end
			_, err := sqs.New(s.Context(), s.client, url, sqs.Options{})
			if !errors.Is(err, sqs.ErrNoQueue) || !strings.Contains(err.Error(), "aws sqs create-queue --queue-name") {
				s.Fatal(err)
			}
			tr, err := sqs.New(s.Context(), s.client, url, sqs.Options{Create: true})
			if err != nil {
				s.Fatal(err)
			}
			defer tr.Close()
			if f := tr.Features(); f.Retention != 14*24*time.Hour {
				s.Errorf("%+v", f)
			}
			dead, err := tr.DeadLetters(s.Context())
			if err != nil || dead == nil || dead.Features().Name != tr.Features().Name {
				s.Fatal(dead, err)
			}
			defer dead.Close()
		}
	}},
}

func (s *stage) sendRaw(url, body string, marked bool) {
	s.Helper()
	in := &sdk.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{{Id: aws.String("0"), MessageBody: &body}}}
	if marked {
		in.Entries[0].MessageAttributes = map[string]types.MessageAttributeValue{
			"base64encoded": {DataType: aws.String("String"), StringValue: aws.String("true")},
		}
	}
	if out, err := s.client.SendMessageBatch(s.Context(), in); err != nil || len(out.Failed) > 0 {
		s.Fatal(out, err)
	}
}

// inBubble plays a case on the fake alone.
func inBubble(t *testing.T, play func(*stage, *sqstest.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := sqstest.New()
		server.Latency = time.Millisecond
		play(&stage{t, server.Client(), true}, server)
	})
}
