//go:build aws

package main

// The AWS of the URLs. It is behind a tag, as its SDK takes a minute to compile and
// most who try the story don't need it: go run -tags aws ./examples/whatif -help
import (
	_ "gocloud.dev/blob/s3blob"      // s3:// for -results
	_ "gocloud.dev/pubsub/awssnssqs" // awssns:// and awssqs:// for -ready

	_ "github.com/leat-go/leat/backends/broker/docrecords/dynamodb" // dynamodb:// for the records of -queue
	_ "github.com/leat-go/leat/backends/broker/sqs"                 // awssqs:// for -queue
)
