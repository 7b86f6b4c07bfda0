// Command lambda is a what-if as a function of AWS Lambda: the handler of a long-lived
// worker, behind an SQS trigger. Where there is no Lambda it plays events against
// itself, with an SQS and records in the process:
//
//	go run ./examples/lambda          # a few seconds
//	go run ./examples/lambda -json    # one line
//
// README.md tells how it is built and deployed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	cdk "gocloud.dev/aws"

	"github.com/leat-go/leat/backends/broker"
	_ "github.com/leat-go/leat/backends/broker/docrecords/dynamodb" // opens dynamodb://
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/lambda"
)

func main() {
	ctx := context.Background()
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		if err := local(ctx, os.Args[1:], os.Stdout); err != nil {
			log.Fatal("lambda: ", err)
		}
		return
	}
	h, err := cold(ctx, os.Getenv("QUEUE_URL"), os.Getenv("RECORDS"))
	if err != nil {
		log.Fatal("lambda: ", err) // Lambda starts another one
	}
	lambda.Start(h)
}

// cold is the cold start: what stands as long as the environment.
func cold(ctx context.Context, queueURL, records string) (*lambda.Handler, error) {
	config, err := cdk.V2ConfigFromURLParams(ctx, url.Values{}) // the function's own role and region
	if err != nil {
		return nil, err
	}
	tr, err := sqs.New(ctx, awssqs.NewFromConfig(config), queueURL, sqs.Options{})
	if err != nil {
		return nil, err
	}
	store, err := broker.OpenRecords(ctx, records)
	if err != nil {
		return nil, err
	}
	return function(tr, store), nil
}

// function is the handler on a queue and its records, wherever those are.
func function(tr *sqs.Transport, records broker.Records) *lambda.Handler {
	trigger := lambda.NewTrigger(tr)
	q := queue.New[Settings, Plan](broker.New(trigger, records, broker.Options{}), queueName)
	h := lambda.New(trigger, worker.New(q, optimise))
	h.Report = true // main.tf and template.yaml say ReportBatchItemFailures
	return h
}

// queueName is that of the producer as well.
const queueName = "whatif"

// local plays events against the function, and tells what came of them.
func local(ctx context.Context, args []string, out io.Writer) error {
	set := flag.NewFlagSet("lambda", flag.ContinueOnError)
	set.SetOutput(out)
	jobs := set.Int("jobs", 200, "what-ifs")
	asJSON := set.Bool("json", false, "sum up in one line of JSON")
	if err := set.Parse(args); err != nil {
		return err
	}
	if *jobs < 1 {
		return fmt.Errorf("-jobs is at least 1")
	}
	r, err := play(ctx, *jobs)
	if err != nil {
		return err
	}
	return r.print(out, *asJSON)
}
