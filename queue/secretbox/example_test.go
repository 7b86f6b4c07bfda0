package secretbox_test

import (
	"context"
	"errors"
	"fmt"

	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/localsecrets" // or awskms, gcpkms, azurekeyvault

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/secretbox"
)

// The box of a queue, by the URL of a key: "awskms://alias/leat?region=eu-central-1",
// "gcpkms://projects/…/cryptoKeys/leat", and here a random local one.
func Example() {
	ctx := context.Background()
	keeper, err := secrets.OpenKeeper(ctx, "base64key://")
	if err != nil {
		panic(err)
	}
	defer keeper.Close()
	box := secretbox.New(keeper) // q.Box = box

	// What a queue does with it:
	sealed, err := box.Seal(ctx, []byte(`{"sku":"22423"}`), []byte("payload of zeta/req-42"))
	if err != nil {
		panic(err)
	}
	plain, err := box.Open(ctx, sealed, []byte("payload of zeta/req-42"))
	fmt.Printf("%s %v\n", plain, err)
	_, err = box.Open(ctx, sealed, []byte("payload of zeta/req-43"))
	fmt.Println("of another job:", errors.Is(err, queue.ErrSealBroken))
	// Output:
	// {"sku":"22423"} <nil>
	// of another job: true
}
