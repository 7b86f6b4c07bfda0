package queue_test

import (
	"testing"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
)

func BenchmarkEnqueue(b *testing.B) {
	q := queue.New[settings, plan](memory.New(memory.Options{}), "whatif")
	args := settings{Partner: "zeta", SKU: "22423"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := q.Enqueue(b.Context(), args, queue.Tenant("zeta")); err != nil {
			b.Fatal(err)
		}
	}
}
