package sqstest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func entry(id, body string) types.SendMessageBatchRequestEntry {
	return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
}

// What AWS refuses, for one entry of a batch, while its neighbour goes: the limits
// that other fakes are lenient about.
func TestEntriesThatAWSRefuses(t *testing.T) {
	delayed := entry("bad", "x")
	delayed.DelaySeconds = 901
	crowded := entry("bad", "x")
	crowded.MessageAttributes = map[string]types.MessageAttributeValue{}
	for c := 'a'; c <= 'k'; c++ {
		crowded.MessageAttributes[string(c)] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("v")}
	}
	deduped := entry("bad", "x")
	deduped.MessageDeduplicationId = aws.String("d")
	for name, c := range map[string]struct {
		queue string
		entry types.SendMessageBatchRequestEntry
		code  string
	}{
		"longer delay than 900 s":  {"jobs", delayed, "InvalidParameterValue"},
		"eleven attributes":        {"jobs", crowded, "InvalidParameterValue"},
		"character":                {"jobs", entry("bad", "\uffff"), "InvalidMessageContents"},
		"dedup on standard":        {"jobs", deduped, "InvalidParameterValue"},
		"larger than queue takes":  {"small", entry("bad", strings.Repeat("x", 2000)), "InvalidParameterValue"},
		"no group on a FIFO queue": {"jobs.fifo", entry("bad", "x"), "MissingParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			server := sqstest.New()
			url := server.Queue(c.queue, nil)
			if c.queue == "small" {
				server.Queue(c.queue, map[string]string{"MaximumMessageSize": "1024"})
			}
			good := entry("good", "x")
			if strings.HasSuffix(c.queue, ".fifo") {
				good.MessageGroupId, good.MessageDeduplicationId = aws.String("g"), aws.String("d")
			}
			out, err := server.Client().SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{
				QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{c.entry, good},
			})
			if err != nil || len(out.Failed) != 1 || *out.Failed[0].Code != c.code || len(out.Successful) != 1 {
				t.Errorf("%+v, %v", out, err)
			}
		})
	}
}

// What AWS refuses for a whole batch.
func TestBatchesThatAWSRefuses(t *testing.T) {
	big := strings.Repeat("x", 600<<10)
	var eleven []types.SendMessageBatchRequestEntry
	for c := 'a'; c <= 'k'; c++ {
		eleven = append(eleven, entry(string(c), "x"))
	}
	for word, entries := range map[string][]types.SendMessageBatchRequestEntry{
		"BatchRequestTooLong":          {entry("a", big), entry("b", big)},
		"TooManyEntriesInBatchRequest": eleven,
		"BatchEntryIdsNotDistinct":     {entry("a", "x"), entry("a", "y")},
	} {
		server := sqstest.New()
		url := server.Queue("jobs", nil)
		_, err := server.Client().SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
		if err == nil || !strings.Contains(err.Error(), word) || server.Depth(url) > 0 {
			t.Errorf("got %v, want %s", err, word)
		}
	}
}

// A message that was received is hidden for twelve hours at most, and kept as long
// as the queue keeps it.
func TestTimesOfAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := sqstest.New()
		url, client := server.Queue("jobs", nil), server.Client()
		if _, err := client.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{
			QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{entry("a", "x")},
		}); err != nil {
			t.Fatal(err)
		}
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 1, VisibilityTimeout: 7200})
		if err != nil || len(out.Messages) != 1 {
			t.Fatal(out, err)
		}
		<-time.After(time.Hour)
		for span, refused := range map[int32]int{12 * 3600: 1, 11 * 3600: 0} {
			out, err := client.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{
				QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
					{Id: aws.String("a"), ReceiptHandle: out.Messages[0].ReceiptHandle, VisibilityTimeout: span},
				},
			})
			if err != nil || len(out.Failed) != refused {
				t.Errorf("%d s: %+v, %v", span, out, err)
			}
		}
		<-time.After(4 * 24 * time.Hour)
		if n := server.Depth(url); n > 0 {
			t.Errorf("%d messages are kept too long", n)
		}
	})
}
