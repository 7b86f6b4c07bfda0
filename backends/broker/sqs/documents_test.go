package sqs_test

import (
	"gocloud.dev/docstore/memdocstore"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/docrecords"
)

// documents are records in a collection of the process, as those in DynamoDB are.
func documents() broker.Records {
	coll, err := memdocstore.OpenCollection("key", nil)
	if err != nil {
		panic(err)
	}
	return docrecords.New(coll, docrecords.Options{})
}
