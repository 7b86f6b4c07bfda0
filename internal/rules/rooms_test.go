package rules

import "slices"

// A room is a package, or with "/..." a package and all below it, by its path
// inside the repository. The row with the longest match speaks for a package.
type room struct {
	path    string
	imports []string // rooms that it may import; its own room it may always
	modules []string // modules from outside that it may compile, with all they bring
}

// rooms is the plan of the house: which way imports go. Rows may stand here
// before their room is built; a package without a row is refused.
var rooms = []room{
	// The contract, and the stores where queue and record are one row.
	{"backends", nil, nil},
	{"backends/memory/...", []string{"backends"}, []string{uuid}},
	{"backends/sqlite/...", []string{"backends", "internal/..."}, anyModule},
	{"backends/postgres/...", []string{"backends"}, anyModule},
	{"backends/backendtest/...", []string{"backends"}, suite},

	// Brokers: a transport or a record store knows broker, never its neighbour.
	{"backends/broker", []string{"backends", "internal/..."}, []string{uuid, sync}},
	{"backends/broker/protocol/...", []string{"backends", "backends/broker"}, suite},
	{"backends/broker/inbox/...", []string{"backends", "backends/broker"}, []string{uuid, sync}},
	{"backends/broker/cdk/...", []string{"backends", "backends/broker"}, anyModule},
	{"backends/broker/sqs/...", []string{"backends", "backends/broker"}, anyModule},
	{"backends/broker/nats/...", []string{"backends", "backends/broker"}, anyModule},
	{"backends/broker/rabbit/...", []string{"backends", "backends/broker"}, anyModule},
	{"backends/broker/kafka/...", []string{"backends", "backends/broker"}, anyModule},
	{"backends/broker/docrecords/...", []string{"backends", "backends/broker"}, anyModule},
	{"backends/broker/blobrecords/...", []string{"backends", "backends/broker"}, anyModule},

	// What a producer holds.
	{"queue", []string{"backends", "internal/..."}, core},
	{"queue/schedule/...", []string{"queue", "backends", "internal/..."}, slices.Concat(core, []string{cron})},
	{"queue/batch/...", []string{"queue", "result", "backends", "internal/..."}, core},
	{"queue/buckettest/...", []string{"queue", "backends"}, slices.Concat(core, suite)},
	{"queue/filebucket/...", []string{"queue", "backends", "internal/..."}, core},
	{"queue/blobbucket/...", []string{"queue", "backends", "internal/..."}, anyModule},
	{"queue/secretbox/...", []string{"queue", "backends", "internal/..."}, anyModule},

	// What a consumer runs, and what a caller reads.
	{"worker", []string{"queue", "backends", "internal/..."}, core},
	{"worker/lambda/...", []string{"worker", "queue", "backends", "backends/broker", "backends/broker/inbox", "internal/..."}, anyModule},
	{"worker/push/...", []string{"worker", "queue", "backends", "backends/broker", "backends/broker/inbox", "internal/..."}, core},
	{"result", []string{"queue", "backends", "internal/..."}, core},
	{"result/endpoint/...", []string{"result", "queue", "backends", "internal/..."}, core},
	{"result/announce/...", []string{"result", "queue", "backends", "internal/..."}, anyModule},
	{"result/webhook/...", []string{"result", "queue", "worker", "backends", "internal/..."}, slices.Concat(core, []string{ssrf})}, // deliveries are jobs

	// Behind the rooms, and above them.
	{"internal/...", []string{"backends"}, core},
	{"internal/plant/...", []string{"worker", "queue", "backends/..."}, slices.Concat(core, suite)}, // of tests
	{"cmd/...", []string{"..."}, anyModule},
	{"examples/...", []string{"..."}, anyModule},
}

// cloudRooms alone may compile gocloud.dev in the root module: its error codes
// bring 64 packages of gRPC, its pubsub 189 packages from 21 modules.
var cloudRooms = []string{
	"backends/broker/cdk/...",
	"backends/broker/sqs/...",
	"backends/broker/docrecords/...",
	"backends/broker/blobrecords/...",
	"queue/blobbucket/...",
	"queue/secretbox/...",
	"result/announce/...",
}

const (
	uuid = "github.com/google/uuid"
	sync = "golang.org/x/sync"
	ssrf = "code.dny.dev/ssrf"
	cron = "github.com/netresearch/go-cron"
)

var (
	anyModule = []string{"..."}

	// core is the OpenTelemetry API, with what it needs itself, and little else.
	core = []string{
		uuid, sync, "golang.org/x/time",
		"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/metric", "go.opentelemetry.io/otel/trace", "go.opentelemetry.io/otel/log",
		"go.opentelemetry.io/auto/sdk", "github.com/go-logr/logr", "github.com/go-logr/stdr", "github.com/cespare/xxhash/v2",
	}

	// suite is what tests are made of, for packages that are tests themselves.
	suite = []string{
		uuid, "github.com/google/go-cmp", "go.uber.org/goleak",
		"pgregory.net/rapid", "github.com/anishathalye/porcupine",
	}
)
