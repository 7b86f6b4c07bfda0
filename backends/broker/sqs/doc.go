// Package sqs is Amazon SQS as a Transport of package broker: standard and FIFO
// queues, by the SDK's own client.
//
//	b, err := backends.Open(ctx, "awssqs://sqs.eu-west-1.amazonaws.com/123456789012/jobs"+
//		"?queue=whatif&records="+url.QueryEscape("dynamodb://leat"))
package sqs
