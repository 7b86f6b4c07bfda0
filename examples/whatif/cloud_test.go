//go:build aws

package main

import (
	"net/http/httptest"
	"net/url"
	"path"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/leat-go/leat/internal/services"
)

const region = "eu-central-1"

// cloud is an AWS of emulators: the flags that name its parts.
func cloud(t *testing.T) []string {
	fauxqs, dynalite := services.URL(t, "LEAT_FAUXQS"), services.URL(t, "LEAT_DYNALITE")
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	name := "whatif-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	login := credentials.NewStaticCredentialsProvider("id", "secret", "")

	objects := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(objects.Close)
	buckets := s3.New(s3.Options{BaseEndpoint: &objects.URL, UsePathStyle: true, Region: region, Credentials: login})
	_, err := buckets.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name})
	fatal(t, err)

	queues := sqs.New(sqs.Options{BaseEndpoint: &fauxqs, Region: region, Credentials: login})
	ready, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name + "-ready")})
	fatal(t, err)
	facts, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: ready.QueueUrl, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
	fatal(t, err)
	topics := sns.New(sns.Options{BaseEndpoint: &fauxqs, Region: region, Credentials: login})
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String(name + "-ready")})
	fatal(t, err)
	_, err = topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(facts.Attributes["QueueArn"])})
	fatal(t, err)

	at := func(endpoint string, more ...string) string {
		q := url.Values{"region": {region}, "endpoint": {endpoint}}
		for i := 0; i < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		return q.Encode()
	}
	base, err := url.Parse(*ready.QueueUrl)
	fatal(t, err)
	records := "dynamodb://" + name + "?" + at(dynalite, "create", "true")
	return []string{
		"-queue", "awssqs://" + base.Host + path.Dir(base.Path) + "/" + name + "?" + at(fauxqs, "queue", "whatif", "create", "true", "records", records),
		"-results", "s3://" + name + "?" + at(objects.URL, "use_path_style", "true"),
		"-ready", "awssns:///" + *topic.TopicArn + "?" + at(fauxqs) + ",awssqs://" + base.Host + base.Path + "?" + at(fauxqs),
	}
}

// TestTheStoryInTheCloud runs it on SQS, DynamoDB, S3 and SNS, all by URLs.
func TestTheStoryInTheCloud(t *testing.T) {
	line := told(t, players(append(cloud(t), "-json", "-daily"), "5e5"))
	if per := line["requests_per_job"]; per <= 0 || per > 2 {
		t.Errorf("%.2f requests of SQS per job", per)
	}
}

// TestWorkersOfTheCloudAreKilled has workers that are killed in the middle, one
// after the other, and one that is left to finish: three, or LEAT_KILLS of them.
func TestWorkersOfTheCloudAreKilled(t *testing.T) {
	args := players(append(cloud(t), "-json"), "2e5")
	during(t, func() { told(t, with(args, "-workers", "0")) },
		killing{with(args, "-work"), kills(), 2 * time.Second})
}
