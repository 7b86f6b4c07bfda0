package filebucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/leat-go/leat/queue/filebucket"
)

// A queue has it as its Bucket, and a [queue.Sweeper] clears it. This is what
// they do with it.
func Example() {
	dir, err := os.MkdirTemp("", "bucket")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	b, err := filebucket.New(dir)
	if err != nil {
		panic(err)
	}
	defer b.Close()

	fmt.Println(b.Write(ctx, "2026-12-09/0b6c", []byte("a large payload")))
	err = b.Write(ctx, "2026-12-09/0b6c", []byte("another"))
	fmt.Println("exists:", errors.Is(err, fs.ErrExist))

	for key, err := range b.List(ctx, "2026-12-09/") {
		r, openErr := b.Open(ctx, key)
		if err = errors.Join(err, openErr); err != nil {
			panic(err)
		}
		data, err := io.ReadAll(r)
		fmt.Printf("%s: %s %v\n", key, data, errors.Join(err, r.Close()))
	}
	// Output:
	// <nil>
	// exists: true
	// 2026-12-09/0b6c: a large payload <nil>
}
