package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/internal/services"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker/lambda/lambdatest"
)

// hidden is the visibility timeout of the real queues, in seconds: above what an
// invocation may take.
const hidden = "4"

// A handler binary, driven by the runtime API in a process of its own, on messages that
// a queue delivered over a socket.
func TestRealFunction(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program, and waits in real time")
	}
	binary := build(t, "./testdata/function")
	for name, at := range map[string]func(*testing.T) string{
		"fake": func(t *testing.T) string {
			h := httptest.NewServer(sqstest.New())
			t.Cleanup(h.Close)
			return h.URL
		},
		"fauxqs": func(t *testing.T) string { return services.URL(t, "LEAT_FAUXQS") },
	} {
		for _, reports := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, reports %v", name, reports), func(t *testing.T) {
				t.Parallel() // they wait
				newReal(t, binary, at(t), reports).story()
			})
		}
	}
}

func build(t *testing.T, pkg string) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "function")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, pkg).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// realStage is a queue on a server, and a function in a process.
type realStage struct {
	*testing.T
	source *lambdatest.Source
	fn     *lambdatest.Function
	store  *broker.Backend
	q      *queue.Queue[string, string]
}

func newReal(t *testing.T, binary, endpoint string, reports bool) *realStage {
	client := clientOf(t, endpoint)
	name := fmt.Sprintf("lambda-%d-%v", os.Getpid(), reports)
	made, err := client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{
		QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": hidden},
	})
	if err != nil {
		t.Fatal(err)
	}
	shelf := backendtest.NewShelf()
	records := httptest.NewServer(serveShelf(shelf))
	t.Cleanup(records.Close)
	tr, err := sqs.New(t.Context(), client, *made.QueueUrl, sqs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := &realStage{T: t, store: broker.New(tr, shelf, broker.Options{})}
	t.Cleanup(func() { r.store.Close() })
	r.q = queue.New[string, string](r.store, "jobs")
	r.source = &lambdatest.Source{Client: client, Queue: *made.QueueUrl, Reports: reports, Batch: 1, Wait: 1}
	r.fn = &lambdatest.Function{
		Binary: binary, Timeout: 2 * time.Second, Log: logged{t},
		Env: []string{"SQS=" + endpoint, "QUEUE=" + *made.QueueUrl, "RECORDS=" + records.URL},
	}
	if reports {
		r.fn.Env = append(r.fn.Env, "REPORT=yes")
	}
	t.Cleanup(r.fn.Close)
	return r
}

// logged is a process's output, in the test's log.
type logged struct{ t *testing.T }

func (l logged) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func clientOf(t *testing.T, endpoint string) *awssqs.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return awssqs.New(awssqs.Options{
		Region: sqstest.Region, BaseEndpoint: &endpoint, HTTPClient: &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

// story has one job after the other do what can happen to a function.
func (r *realStage) story() {
	failed := func(err error) bool { _, ok := errors.AsType[*lambdatest.FunctionError](err); return ok }
	none := func(err error) bool { return err == nil }
	stays := none // how the function says that a message must come again
	if !r.source.Reports {
		stays = failed
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	for _, c := range []struct {
		word   string
		first  func(error) bool // what its first invocation comes to
		comes  bool             // it comes again
		starts int              // of the function's process, at the end
	}{
		{"succeed", none, false, 1},
		{"fail", stays, true, 1},
		{"panic", stays, true, 1},
		{"hang", stays, true, 1},
		{"exit", is(lambdatest.ErrExited), true, 2},
		{"freeze", is(lambdatest.ErrTimeout), true, 3},
		{"succeed", none, false, 3},
	} {
		ticket, err := r.q.Enqueue(r.Context(), c.word)
		if err != nil {
			r.Fatal(err)
		}
		for n := 0; !r.ended(ticket.Ref); n++ {
			out, err := r.turn()
			if n > 0 {
				continue
			}
			if !c.first(err) {
				r.Errorf("%s: %v", c.word, err)
			}
			if reported := len(out.BatchItemFailures) == 1; reported != (c.comes && err == nil) {
				r.Errorf("%s: reported %v", c.word, out)
			}
			if c.comes == r.ended(ticket.Ref) {
				r.Errorf("%s: the job is over: %v", c.word, !c.comes)
			}
		}
		if rec, err := r.store.Lookup(r.Context(), ticket.Ref, 0); err != nil || rec.State != queue.Succeeded {
			r.Errorf("%s: %+v, %v", c.word, rec, err)
		}
		if r.fn.Starts != c.starts {
			r.Errorf("%s: %d processes, want %d", c.word, r.fn.Starts, c.starts)
		}
	}
	if e, err := r.source.Next(r.Context()); err != nil || len(e.Records) > 0 {
		r.Errorf("the queue still has %v, %v", e, err)
	}
}

// turn brings the next event to the function, and settles it as Lambda does.
func (r *realStage) turn() (out events.SQSEventResponse, failed error) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	var e events.SQSEvent
	for len(e.Records) == 0 {
		var err error
		if e, err = r.source.Next(ctx); err != nil {
			r.Fatal(err)
		}
	}
	failed = r.fn.Invoke(ctx, e, &out)
	if err := r.source.Settle(ctx, e, out, failed); err != nil {
		r.Fatal(err)
	}
	return out, failed
}

func (r *realStage) ended(ref queue.Ref) bool {
	r.Helper()
	rec, err := r.store.Lookup(r.Context(), ref, 0)
	if err != nil {
		r.Fatal(err)
	}
	return rec.State.Ended() && rec.Due.IsZero()
}

// serveShelf is the records for the function's process.
func serveShelf(shelf broker.Records) http.Handler {
	type call struct {
		Key     string
		Value   []byte
		Version backends.Version
		Expire  time.Time
		Put     bool
		Lost    bool
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var c call
		err := json.NewDecoder(req.Body).Decode(&c)
		switch {
		case err == nil && c.Put:
			c.Version, err = shelf.Put(req.Context(), c.Key, c.Value, c.Version, c.Expire)
			c.Lost = errors.Is(err, backends.ErrConflict)
		case err == nil:
			c.Value, c.Version, err = shelf.Get(req.Context(), c.Key, "")
		}
		if err != nil && !c.Lost {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(c)
	})
}
