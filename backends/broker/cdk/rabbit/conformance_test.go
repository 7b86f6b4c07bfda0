package rabbit_test

import (
	"log/slog"
	"testing"
	"time"

	"gocloud.dev/docstore/memdocstore"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/cdk/rabbit"
	"github.com/leat-go/leat/backends/broker/docrecords"
)

// setup is one pair of a transport and records under test.
type setup struct {
	*broker.Backend
	options rabbit.Options
	records broker.Records
}

// again opens the same pair, as another process would.
func (s setup) again() setup {
	s.Backend = broker.New(rabbit.New(s.options), s.records, broker.Options{Logger: slog.New(slog.DiscardHandler)})
	return s
}

// sets are queues that cases take in turn, each emptied before: to declare
// thirteen quorum queues takes longer than most cases.
type sets chan rabbit.Options

const sideBySide = 8

func newSets(t *testing.T) sets {
	s := make(sets, sideBySide)
	for range sideBySide {
		o := fresh(t)
		o.Prefetch = 400 // the suite leases 300 at a time
		s <- o
	}
	return s
}

func (s sets) harness(records func(*testing.T) broker.Records) backendtest.Harness {
	return backendtest.Harness{
		Open: func(t *testing.T) backends.Backend {
			o := <-s
			t.Cleanup(func() { s <- o })
			onQueues(t, o, purge)
			return setup{options: o, records: records(t)}.again()
		},
		Again:    func(_ *testing.T, b backends.Backend) backends.Backend { return b.(setup).again() },
		Parallel: true,
		Unit:     500 * time.Millisecond, // the driver takes up to 50 ms for a message
	}
}

// documents are records in a collection of the process.
func documents(t *testing.T) broker.Records {
	coll, err := memdocstore.OpenCollection("key", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = coll.Close() })
	return docrecords.New(coll, docrecords.Options{})
}

func TestConformance(t *testing.T) {
	s := newSets(t)
	t.Run("with records", func(t *testing.T) {
		backendtest.Run(t, s.harness(func(t *testing.T) broker.Records { return documents(t) }))
	})
	t.Run("without records", func(t *testing.T) {
		backendtest.Run(t, s.harness(func(*testing.T) broker.Records { return nil }))
	})
}
