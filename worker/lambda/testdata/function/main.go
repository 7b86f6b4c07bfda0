// Function is the handler binary of TestRealFunction. Its jobs are words that say what
// to do.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/lambda"
)

func main() {
	client := awssqs.New(awssqs.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(os.Getenv("SQS")),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
	tr, err := sqs.New(context.Background(), client, os.Getenv("QUEUE"), sqs.Options{})
	if err != nil {
		log.Fatal(err)
	}
	trigger := lambda.NewTrigger(tr)
	q := queue.New[string, string](broker.New(trigger, shelf(os.Getenv("RECORDS")), broker.Options{}), "jobs")
	w := worker.New(q, do)
	w.Backoff = func(int) time.Duration { return 0 }
	h := lambda.New(trigger, w)
	h.Report = os.Getenv("REPORT") != ""
	lambda.Start(h)
}

// do is what a job's word says, the first time; later it is done.
func do(ctx context.Context, job *queue.Job[string]) (string, error) {
	if job.Token > 1 {
		return "done in the end", nil
	}
	switch job.Args {
	case "fail":
		return "", errors.New("as it was told")
	case "panic":
		panic("as it was told")
	case "exit":
		os.Exit(3)
	case "freeze": // all of it, so that Lambda must kill it
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {} // a signal may take its time
	case "hang":
		<-ctx.Done()
		return "", context.Cause(ctx)
	}
	return "done", nil
}

// shelf is the records of the test's process, over HTTP.
type shelf string

type call struct {
	Key     string
	Value   []byte
	Version backends.Version
	Expire  time.Time
	Put     bool
	Lost    bool
}

func (s shelf) Get(ctx context.Context, key string, _ backends.Version) ([]byte, backends.Version, error) {
	out, err := s.post(ctx, call{Key: key})
	return out.Value, out.Version, err
}

func (s shelf) Put(ctx context.Context, key string, v []byte, prev backends.Version, expire time.Time) (backends.Version, error) {
	out, err := s.post(ctx, call{Key: key, Value: v, Version: prev, Expire: expire, Put: true})
	if out.Lost {
		return "", backends.ErrConflict
	}
	return out.Version, err
}

func (s shelf) post(ctx context.Context, in call) (out call, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(s), bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return out, fmt.Errorf("records: %s", resp.Status)
	}
	return out, json.NewDecoder(resp.Body).Decode(&out)
}
