package docrecords_test

import (
	"testing"

	"gocloud.dev/docstore"
	"gocloud.dev/docstore/memdocstore"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker/docrecords"
)

// memory is a collection that lives in the process.
func memory(t testing.TB) *docstore.Collection {
	t.Helper()
	coll, err := memdocstore.OpenCollection("key", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { coll.Close() })
	return coll
}

func TestConformance(t *testing.T) {
	backendtest.Cells(t, func(t *testing.T) backends.Cells { return docrecords.New(memory(t), docrecords.Options{}) })
}
