//go:build aws

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
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

// workerArgs has a copy of this test program be a worker that is killed.
const workerArgs = "LEAT_WHATIF_WORKER"

func TestMain(m *testing.M) {
	if args := os.Getenv(workerArgs); args != "" {
		f, err := parse(strings.Split(args, "\n"), os.Stderr)
		if err == nil {
			err = work(context.Background(), f)
		}
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

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

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// told runs the program, and returns what it sums up.
func told(t *testing.T, args []string) map[string]float64 {
	t.Helper()
	var out, live bytes.Buffer
	f, err := parse(args, &live)
	if err == nil {
		err = run(t.Context(), f, &out, &live)
	}
	fatal(t, err)
	var line map[string]float64
	fatal(t, json.Unmarshal(out.Bytes(), &line))
	t.Log(out.String())
	if line["accepted"] == 0 || line["accepted"] != line["ready_events"] || line["succeeded"] != line["writebacks"] || line["lost"]+line["duplicated"]+line["dead"] != 0 {
		t.Error("a promise was not kept once")
	}
	return line
}

// players adds who plays: three partners of the sample, or with LEAT_DATA all of the
// real files in that folder.
func players(args []string, speed string) []string {
	data := os.Getenv("LEAT_DATA")
	if data == "" {
		return append(args, "-partners", "3", "-speed", speed)
	}
	return append(args, "-demand", filepath.Join(data, "online_retail_weekly_demand.csv"),
		"-arrivals", filepath.Join(data, "online_retail_arrivals.csv"))
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
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("LEAT_KILLS")); err == nil {
		kills = n
	}
	args := players(append(cloud(t), "-json"), "2e5")
	ended := make(chan struct{})
	killed := make(chan int, 1)
	go func() { killed <- killWorkers(t, args, kills, ended) }()
	told(t, append(args, "-workers", "0"))
	close(ended)
	if n := <-killed; n < kills {
		t.Errorf("only %d workers were killed", n)
	}
}

// killWorkers starts a worker whenever there is none, and kills so many when they
// have worked for a while.
func killWorkers(t *testing.T, args []string, kills int, ended <-chan struct{}) (n int) {
	const life = 2 * time.Second
	for over := false; !over; {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), workerArgs+"="+strings.Join(append(args, "-work"), "\n"))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return n
		}
		var spent <-chan time.Time
		if n < kills {
			spent = time.After(life)
		}
		select {
		case <-spent:
			n++
		case <-ended:
			over = true
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
	return n
}
