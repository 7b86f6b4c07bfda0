package sqs_test

import (
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a queue of the fake, with or without records, as one process has it.
type pair struct {
	*broker.Backend
	t      *testing.T
	server *sqstest.Server
	url    string
	shelf  broker.Records
}

func newPair(t *testing.T, name string, records bool) *pair {
	p := &pair{t: t, server: sqstest.New()}
	p.url = p.server.Queue(name, nil)
	if records {
		p.shelf = backendtest.NewShelf()
	}
	return p
}

// again opens the same pair, as another process would.
func (p *pair) again() *pair {
	p.t.Helper()
	other := *p
	o := broker.Options{Logger: slog.New(slog.DiscardHandler)}
	tr := open(p.t, p.server, p.url, sqs.Options{EarlyAck: p.shelf != nil})
	if dead, err := tr.DeadLetters(p.t.Context()); err != nil {
		p.t.Fatal(err)
	} else if dead != nil {
		o.Queue, o.DeadLetters = "jobs", dead
	}
	if tr.Features().FIFO { // the suite runs jobs of one tenant side by side
		o.Group = func(j *backends.Job) string { return j.Tenant + "/" + j.ID }
	}
	other.Backend = broker.New(tr, p.shelf, o)
	return &other
}

func open(t *testing.T, s *sqstest.Server, url string, o sqs.Options) *sqs.Transport {
	t.Helper()
	tr, err := sqs.New(t.Context(), s.Client(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name, queue string
		records     bool
	}{
		{"standard", "jobs", true},
		{"fifo", "jobs.fifo", true},
		{"without records", "jobs", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			backendtest.Run(t, backendtest.Harness{
				Open: func(t *testing.T) backends.Backend {
					p := newPair(t, c.queue, false)
					if c.records {
						p.shelf = documents()
					}
					return p.again()
				},
				Again:   func(_ *testing.T, b backends.Backend) backends.Backend { return b.(*pair).again() },
				Virtual: true,
				Unit:    10 * time.Second, // SQS counts in seconds
			})
		})
	}
}
