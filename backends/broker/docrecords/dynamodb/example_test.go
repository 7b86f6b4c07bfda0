package dynamodb_test

import (
	"context"
	"errors"
	"log"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/docrecords/dynamodb" // registers dynamodb://
)

// A table that isn't there is an error which holds the command that makes it.
func Example() {
	store, err := broker.OpenRecords(context.Background(), "dynamodb://leat-records?region=eu-central-1")
	var setup *dynamodb.SetupError
	switch {
	case errors.As(err, &setup):
		log.Fatalf("table %s %s. Do this: %s", setup.Table, setup.Reason, setup.Remedy)
	case err != nil:
		log.Fatal(err)
	}
	defer store.Close()
}
