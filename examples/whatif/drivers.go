package main

// What URLs may name. A program compiles only what it imports: add a line here for
// every other backend, bucket or topic.
import (
	_ "gocloud.dev/blob/memblob"     // mem:// for -results
	_ "gocloud.dev/pubsub/mempubsub" // mem:// for -ready

	_ "github.com/leat-go/leat/backends/memory" // memory:// for -queue
)
