package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// maxReceives is the most that a redrive policy takes. Every retry, wait for a
// member and receive of a spare message counts, though no fault of the job's; our
// own limits of attempts and crashes lie far below, and this is the last net.
const maxReceives = 1000

// create makes a queue as this package likes it: messages stay as long as SQS can
// keep them, an empty receive waits, and a message that nobody could make sense of
// goes to a dead-letter queue.
func create(ctx context.Context, client *sqs.Client, queueURL string) error {
	name := queueName(queueURL)
	deadURL, err := createQueue(ctx, client, deadName(name), nil)
	if err != nil {
		return err
	}
	dead, err := read(ctx, client, deadURL)
	if err != nil {
		return err
	}
	policy, _ := json.Marshal(map[string]any{"deadLetterTargetArn": dead.arn, "maxReceiveCount": maxReceives})
	made, err := createQueue(ctx, client, name, map[string]string{"RedrivePolicy": string(policy)})
	if err != nil {
		return err
	}
	if !sameAccount(made, queueURL) {
		return &Error{
			Action: "sqs:CreateQueue", Queue: queueURL, Kind: ErrCredentials,
			Advice: "they are of another account: the queue is now " + made,
		}
	}
	return nil
}

func createQueue(ctx context.Context, client *sqs.Client, name string, more map[string]string) (string, error) {
	attributes := map[string]string{
		"MessageRetentionPeriod":        "1209600",
		"ReceiveMessageWaitTimeSeconds": "20",
	}
	if fifo(name) { // throughput that grows with the number of groups
		attributes["FifoQueue"] = "true"
		attributes["DeduplicationScope"] = "messageGroup"
		attributes["FifoThroughputLimit"] = "perMessageGroupId"
	}
	maps.Copy(attributes, more)
	out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return "", fmt.Errorf("sqs: create queue %s: %w", name, explain(name, "CreateQueue", err))
	}
	return aws.ToString(out.QueueUrl), nil
}

func deadName(name string) string {
	if base, ok := strings.CutSuffix(name, ".fifo"); ok {
		return base + "-dead.fifo"
	}
	return name + "-dead"
}

// sameAccount compares what stands before the names of two queues: hosts have
// several spellings.
func sameAccount(a, b string) bool {
	ua, errA := url.Parse(a)
	ub, errB := url.Parse(b)
	return errA == nil && errB == nil && path.Dir(ua.Path) == path.Dir(ub.Path)
}

// ofARN is the account and the name in "arn:aws:sqs:region:account:name".
func ofARN(arn string) (account *string, name string) {
	parts := strings.Split(arn, ":")
	if len(parts) == 6 {
		account = &parts[4]
	}
	return account, parts[len(parts)-1]
}
