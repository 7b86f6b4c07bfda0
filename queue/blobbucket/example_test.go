package blobbucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/memblob" // or s3blob, gcsblob, azureblob

	"github.com/leat-go/leat/queue/blobbucket"
)

// The bucket of a queue, by URL: "s3://payloads?region=eu-central-1",
// "gs://payloads", "azblob://payloads", and here one in memory.
func Example() {
	ctx := context.Background()
	blobs, err := blob.OpenBucket(ctx, "mem://")
	if err != nil {
		panic(err)
	}
	defer blobs.Close()
	b := blobbucket.New(blobs) // q.Bucket = b

	// What a queue does with it:
	fmt.Println(b.Write(ctx, "2026-12-09/0b6c", []byte("a large payload")))
	err = b.Write(ctx, "2026-12-09/0b6c", []byte("another"))
	fmt.Println("exists:", errors.Is(err, fs.ErrExist))
	r, err := b.Open(ctx, "2026-12-09/0b6c")
	if err != nil {
		panic(err)
	}
	data, err := io.ReadAll(r)
	fmt.Printf("%s %v\n", data, errors.Join(err, r.Close()))
	// Output:
	// <nil>
	// exists: true
	// a large payload <nil>
}
