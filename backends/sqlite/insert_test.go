package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
)

// TestRule_R2_TensWithDuplicates: what one statement inserts is ten jobs, each with an
// outcome of its own, and all in the order of the call.
func TestRule_R2_TensWithDuplicates(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	b := opened(t, file, sqlite.Options{Synchronous: "off"})
	enqueued(t, b, "5", "41")
	ids := map[string]bool{}
	req := backends.EnqueueRequest{Queue: "q"}
	for i := range 45 { // four tens and a rest
		id := fmt.Sprint(i)
		if i == 17 {
			id = "16" // the one before, in the same ten
		}
		ids[id] = true
		req.Jobs = append(req.Jobs, backends.Job{Ref: backends.Ref{Tenant: "zeta", ID: id}, Kind: "k"})
	}
	out, err := b.Enqueue(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	var last int64
	for i, o := range out {
		if there := i == 5 || i == 17 || i == 41; o.Err != nil || o.Duplicate != there {
			t.Errorf("job %d: duplicate %v, %v", i, o.Duplicate, o.Err)
		}
		if o.Duplicate {
			continue
		}
		if o.Order <= last {
			t.Errorf("job %d has order %d, and the one before %d", i, o.Order, last)
		}
		last = o.Order
	}
	if out[17].Order != out[16].Order {
		t.Errorf("the duplicate has order %d, the job %d", out[17].Order, out[16].Order)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	expectWhole(t, file, ids)
}
