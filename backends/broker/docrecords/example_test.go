package docrecords_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"gocloud.dev/docstore/memdocstore"

	"github.com/leat-go/leat/backends/broker/docrecords"
)

func Example() {
	coll, err := memdocstore.OpenCollection("key", nil) // or any other of gocloud.dev
	if err != nil {
		log.Fatal(err)
	}
	defer coll.Close()
	ctx, records := context.Background(), docrecords.New(coll, docrecords.Options{})

	version, err := records.Put(ctx, "greeting", []byte("hello"), "", time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = records.Put(ctx, "greeting", []byte("hello again"), "", time.Time{})
	fmt.Println(err)
	if _, err := records.Put(ctx, "greeting", []byte("good bye"), version, time.Time{}); err != nil {
		log.Fatal(err)
	}
	value, _, err := records.Get(ctx, "greeting", "")
	fmt.Println(string(value), err)
	// Output:
	// cell was changed meanwhile
	// good bye <nil>
}
