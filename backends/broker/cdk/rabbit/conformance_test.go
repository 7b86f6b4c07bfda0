package rabbit_test

import (
	"log/slog"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/cdk/rabbit"
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

// harness has one set of queues for all cases, emptied before each: to declare
// thirteen quorum queues takes longer than most cases.
func harness(o rabbit.Options, records func() broker.Records) backendtest.Harness {
	return backendtest.Harness{
		Open: func(t *testing.T) backends.Backend {
			onQueues(t, o, purge)
			return setup{options: o, records: records()}.again()
		},
		Again: func(_ *testing.T, b backends.Backend) backends.Backend { return b.(setup).again() },
	}
}

func TestConformance(t *testing.T) {
	o := fresh(t)
	t.Run("with records", func(t *testing.T) {
		backendtest.Run(t, harness(o, func() broker.Records { return newShelf() }))
	})
	t.Run("without records", func(t *testing.T) {
		backendtest.Run(t, harness(o, func() broker.Records { return nil }))
	})
}
