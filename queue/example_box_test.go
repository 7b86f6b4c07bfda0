package queue_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
)

// vault is a Box with one key in the process. Package secretbox has one whose keys
// are kept by a service.
type vault struct{ cipher.AEAD }

func newVault() vault {
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return vault{aead}
}

func (v vault) Seal(_ context.Context, plain, label []byte) ([]byte, error) {
	return v.AEAD.Seal(nil, nil, plain, label), nil
}

func (v vault) Open(_ context.Context, sealed, label []byte) ([]byte, error) {
	plain, err := v.AEAD.Open(nil, nil, sealed, label)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", queue.ErrSealBroken, err)
	}
	return plain, nil
}

// Whoever can read the store sees no args, and can't pass those of one job to
// another.
func ExampleBox() {
	ctx := context.Background()
	q := queue.New[Settings, Plan](memory.New(memory.Options{}), "whatif")
	q.Box = newVault()
	if _, err := q.Enqueue(ctx, Settings{"zeta", "22423"}, queue.Tenant("zeta")); err != nil {
		panic(err)
	}
	for r, err := range q.Jobs(ctx, queue.Filter{AnyTenant: true}) {
		if err != nil {
			panic(err)
		}
		fmt.Println("in the store:", bytes.Contains(r.Job.Payload, []byte("22423")))
		args, err := q.Args(ctx, r)
		fmt.Println("for us:", args.SKU, err)

		another := *r.Job
		another.ID = "another"
		_, err = q.Args(ctx, &queue.Record{Job: &another})
		fmt.Println("swapped:", errors.Is(err, queue.ErrSealBroken))
	}
	// Output:
	// in the store: false
	// for us: 22423 <nil>
	// swapped: true
}
