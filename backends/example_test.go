package backends_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/leat-go/leat/backends"
)

// store is a Backend that people can operate; audited is a decorator of one.
type store struct {
	backends.Backend
	backends.Operator
}

func (store) Features() backends.Features { return backends.Features{Name: "store"} }

func (store) Stats(context.Context, string) (backends.Stats, error) {
	return backends.Stats{Queued: 2, Scheduled: 1}, nil
}

type audited struct{ backends.Backend }

func (a audited) Unwrap() backends.Backend { return a.Backend }

// What a Backend can do beside the traffic shows through its decorators.
func ExampleAs() {
	var b backends.Backend = audited{store{}}
	op, ok := backends.As[backends.Operator](b)
	if !ok {
		fmt.Println("not operated")
		return
	}
	stats, err := op.Stats(context.Background(), "whatif")
	fmt.Println(stats.Depth(), err)
	// Output: 3 <nil>
}

// A program with its own set of drivers makes a Mux; most import a driver for
// its side effect and call Open.
func ExampleMux() {
	var mux backends.Mux
	mux.Register("store", func(_ context.Context, u *url.URL) (backends.Backend, error) {
		params, err := backends.Params(u, "sync")
		if err != nil {
			return nil, err
		}
		fmt.Println("sync:", params.Get("sync"))
		return store{}, nil
	})

	ctx := context.Background()
	b, err := mux.Open(ctx, "store://jobs?queue=whatif&sync=off")
	fmt.Println(b.Features().Name, err)
	_, err = mux.Open(ctx, "store://jobs?snyc=off")
	fmt.Println(err)
	_, err = mux.Open(ctx, "stroe://user:secret@jobs")
	fmt.Println(err)
	// Output:
	// sync: off
	// store <nil>
	// invalid URL: unknown parameter "snyc" (known: queue, sync)
	// invalid URL: no driver for scheme "stroe" is registered (have: store)
}

// Each caller writes as if it were alone; those who come while a write goes on
// share the next one.
func ExampleGroup() {
	g := backends.Group[string, int]{
		Commit: func(_ context.Context, rows []string) ([]int, error) {
			fmt.Println("one write:", strings.Join(rows, ", "))
			lengths := make([]int, len(rows))
			for i, row := range rows {
				lengths[i] = len(row)
			}
			return lengths, nil
		},
	}
	out, err := g.Do(context.Background(), "plan", "forecast")
	fmt.Println(out, err)
	// Output:
	// one write: plan, forecast
	// [4 8] <nil>
}
