package broker_test

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup is one pair of a transport and records under test.
type setup struct {
	*broker.Backend
	pipe  *pipe
	shelf broker.Records
}

func quiet() broker.Options {
	return broker.Options{Logger: slog.New(slog.DiscardHandler)}
}

func opened(f broker.TransportFeatures, records bool) setup {
	s := setup{pipe: newPipe(f)}
	if records {
		s.shelf = backendtest.NewShelf()
	}
	return s.again()
}

// again opens the same pair, as another process would.
func (s setup) again() setup {
	o := quiet()
	if s.pipe.facts.FIFO { // the suite runs jobs of one tenant side by side
		o.Group = groupOfOne
	}
	s.Backend = broker.New(opening{s.pipe}, s.shelf, o)
	return s
}

func groupOfOne(j *backends.Job) string { return j.Tenant + "/" + j.ID }

func harness(f broker.TransportFeatures, records bool) backendtest.Harness {
	return backendtest.Harness{
		Open:    func(*testing.T) backends.Backend { return opened(f, records) },
		Again:   func(_ *testing.T, b backends.Backend) backends.Backend { return b.(setup).again() },
		Virtual: true,
	}
}

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name    string
		facts   broker.TransportFeatures
		records bool
	}{
		{"standard", standardFacts(), true},
		{"fifo", fifoFacts(), true},
		{"without records", standardFacts(), false},
		{"fifo without records", fifoFacts(), false},
	} {
		t.Run(c.name, func(t *testing.T) { backendtest.Run(t, harness(c.facts, c.records)) })
	}
}

func TestShelfIsARecordStore(t *testing.T) {
	s := backendtest.NewShelf()
	backendtest.Cells(t, func(*testing.T) backends.Cells { return s })
}
