package broker_test

import (
	"testing"

	"gocloud.dev/docstore/memdocstore"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker/docrecords"
)

// The whole suite with records in a collection of documents.
func TestConformanceOnDocuments(t *testing.T) {
	h := harness(standardFacts(), false)
	h.Open = func(t *testing.T) backends.Backend {
		coll, err := memdocstore.OpenCollection("key", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { coll.Close() })
		return setup{pipe: newPipe(standardFacts()), shelf: docrecords.New(coll, docrecords.Options{})}.again()
	}
	backendtest.Run(t, h)
}
