package lambdatest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/worker/lambda/lambdatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What Lambda deletes, as its documentation says ("Reporting batch item failures").
func TestSourceDeletesAsLambdaDoes(t *testing.T) {
	for name, c := range map[string]struct {
		reports bool
		failed  []int // messages of three; -1 = an id of none, -2 = an empty one
		err     error
		left    int
	}{
		"all well":                        {true, nil, nil, 0},
		"some failed":                     {true, []int{0, 2}, nil, 2},
		"a mapping that doesn't report":   {false, []int{0, 2}, nil, 0},
		"the function failed":             {true, nil, errors.New("bad"), 3},
		"the function failed, unreported": {false, nil, errors.New("bad"), 3},
		"an id that isn't in the event":   {true, []int{0, -1}, nil, 3},
		"an empty id":                     {true, []int{-2}, nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := sqstest.New()
				s := &lambdatest.Source{Client: server.Client(), Queue: server.Queue("jobs", nil), Reports: c.reports}
				send(t, s, "a", "b", "c")
				e, err := s.Next(t.Context())
				if err != nil || len(e.Records) != 3 || e.Records[0].Body != "a" || *e.Records[0].MessageAttributes["k"].StringValue != "v" {
					t.Fatal(e, err)
				}
				var out events.SQSEventResponse
				for _, i := range c.failed {
					id := map[int]string{-1: "another", -2: ""}[i]
					if i >= 0 {
						id = e.Records[i].MessageId
					}
					out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
				}
				if err := s.Settle(t.Context(), e, out, c.err); err != nil {
					t.Error(err)
				}
				if n := server.Depth(s.Queue); n != c.left {
					t.Errorf("%d are left, want %d", n, c.left)
				}
			})
		})
	}
}

func send(t *testing.T, s *lambdatest.Source, bodies ...string) {
	t.Helper()
	in := &awssqs.SendMessageBatchInput{QueueUrl: &s.Queue}
	for _, b := range bodies {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
			Id: &b, MessageBody: &b,
			MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: aws.String("String"), StringValue: aws.String("v")}},
		})
	}
	if out, err := s.Client.SendMessageBatch(t.Context(), in); err != nil || len(out.Failed) > 0 {
		t.Fatal(out, err)
	}
}

const api = "/2018-06-01/runtime"

// ask is a request of the function's.
func ask(r *lambdatest.Runtime, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

// invoked starts an invocation, and returns the request by which the function has it.
func invoked(t *testing.T, r *lambdatest.Runtime) (id string, result func() (string, error)) {
	t.Helper()
	type ended struct {
		out string
		err error
	}
	done := make(chan ended, 1)
	deadline := time.Now().Add(time.Minute)
	go func() {
		out, err := r.Invoke(t.Context(), []byte(`{"an":"event"}`), deadline)
		done <- ended{string(out), err}
	}()
	w := ask(r, http.MethodGet, api+"/invocation/next", "")
	id = w.Header().Get("Lambda-Runtime-Aws-Request-Id")
	if w.Body.String() != `{"an":"event"}` || id == "" || w.Header().Get("Lambda-Runtime-Deadline-Ms") == "" ||
		w.Header().Get("Lambda-Runtime-Invoked-Function-Arn") == "" {
		t.Errorf("%s %v", w.Body, w.Header())
	}
	return id, func() (string, error) { e := <-done; return e.out, e.err }
}

func TestRuntimeAnswersOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := lambdatest.NewRuntime()
		id, result := invoked(t, r)
		for i, want := range []int{http.StatusAccepted, http.StatusBadRequest} {
			if w := ask(r, http.MethodPost, api+"/invocation/"+id+"/response", "42"); w.Code != want {
				t.Errorf("answer %d: %d", i, w.Code)
			}
		}
		if out, err := result(); out != "42" || err != nil {
			t.Error(out, err)
		}
		if w := ask(r, http.MethodPost, api+"/invocation/none/error", "{}"); w.Code != http.StatusBadRequest {
			t.Errorf("of no invocation: %d", w.Code)
		}
	})
}

func TestRuntimeTellsWhyAFunctionFailed(t *testing.T) {
	for body, want := range map[string]lambdatest.FunctionError{
		`{"errorType":"Bad","errorMessage":"luck"}`: {Type: "Bad", Message: "luck"},
		`no JSON`: {Message: "no JSON"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := lambdatest.NewRuntime()
			id, result := invoked(t, r)
			ask(r, http.MethodPost, api+"/invocation/"+id+"/error", body)
			_, err := result()
			if e, ok := errors.AsType[*lambdatest.FunctionError](err); !ok || *e != want {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRuntimeRefusesAnAnswerThatIsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := lambdatest.NewRuntime()
		id, result := invoked(t, r)
		w := ask(r, http.MethodPost, api+"/invocation/"+id+"/response", strings.Repeat("x", 6<<20+1))
		if _, err := result(); w.Code != http.StatusRequestEntityTooLarge || err == nil {
			t.Error(w.Code, err)
		}
	})
}

func TestRuntimeEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := lambdatest.NewRuntime()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Invoke(ctx, nil, time.Now()); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if w := ask(r, http.MethodPost, api+"/init/error", `{"errorType":"Init"}`); w.Code != http.StatusAccepted {
			t.Error(w.Code)
		}
		if _, err := r.Invoke(t.Context(), nil, time.Now()); err == nil {
			t.Error("a function that could not begin was invoked")
		}
	})
}

func TestBinaryThatIsNotThere(t *testing.T) {
	f := &lambdatest.Function{Binary: "/none"}
	defer f.Close()
	if err := f.Invoke(t.Context(), 1, nil); err == nil || f.Starts != 0 {
		t.Error(err)
	}
}
