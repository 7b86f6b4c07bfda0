// Package sqstest is an SQS in the process, for tests: the calls that package sqs
// makes, with SQS's limits and errors, in AWS's JSON 1.0. It is an
// http.RoundTripper, so that it lives in a synctest bubble, where waiting costs
// nothing, and an http.Handler for programs outside. It counts requests and fails
// on demand.
//
//	server := sqstest.New()
//	client, queueURL := server.Client(), server.Queue("jobs", nil)
//
// It deletes nothing by a stale receipt, where SQS may or may not, and a receive
// sees the whole queue, where SQS looks at a part of it.
package sqstest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Where the queues of a Server are.
const (
	Region  = "eu-west-1"
	Account = "123456789012"
	host    = "https://sqs." + Region + ".amazonaws.com/" + Account + "/"
)

// Fault is what goes wrong with one request.
type Fault int

// The faults.
const (
	None        Fault = iota
	Unavailable       // 503, and nothing happened
	Throttled         // 400 ThrottlingException
	Denied            // 403 AccessDenied
	Expired           // 403 ExpiredToken
	OverLimit         // too many messages in flight
	DropReply         // it happened, and nobody is told
)

// Server is one account's SQS. Set its fields before the first request.
type Server struct {
	Latency time.Duration             // of each request; 0 = none
	Fault   func(action string) Fault // asked for each request; nil = None. Called concurrently

	mu     sync.Mutex
	queues map[string]*queue
	counts map[string]int
	last   int
}

// New returns a Server without queues.
func New() *Server { return &Server{queues: map[string]*queue{}, counts: map[string]int{}} }

// Client returns a client that talks to s, and repeats what failed as one by URL
// does: three tries, without a budget.
func (s *Server) Client() *sqs.Client {
	return sqs.New(sqs.Options{
		Region:      Region,
		HTTPClient:  &http.Client{Transport: s},
		Credentials: aws.CredentialsProviderFunc(credentials),
		Retryer:     retry.NewStandard(func(o *retry.StandardOptions) { o.RateLimiter = ratelimit.None }),
	})
}

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
}

// Requests returns how many requests were made, by action; "" is their sum.
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for action, n := range s.counts {
		out[action] = n
		out[""] += n
	}
	return out
}

// action does one call.
type action func(*Server, context.Context, []byte) (any, error)

var actions = map[string]action{
	"CreateQueue":                  does((*Server).createQueue),
	"GetQueueUrl":                  does((*Server).getQueueURL),
	"GetQueueAttributes":           does((*Server).getAttributes),
	"SetQueueAttributes":           does((*Server).setAttributes),
	"SendMessageBatch":             does((*Server).sendBatch),
	"ReceiveMessage":               does((*Server).receive),
	"DeleteMessageBatch":           does((*Server).deleteBatch),
	"ChangeMessageVisibilityBatch": does((*Server).hideBatch),
}

// does reads the input of a call.
func does[In any](do func(*Server, context.Context, *In) (any, error)) action {
	return func(s *Server, ctx context.Context, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, &apiError{"SerializationException", err.Error(), http.StatusBadRequest}
		}
		return do(s, ctx, &in)
	}
}

// apiError is an error as AWS answers it.
type apiError struct {
	code, message string
	status        int
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func refuse(code, message string) error { return &apiError{code, message, http.StatusBadRequest} }

func invalid(message string) error { return refuse("InvalidParameterValue", message) }

var errDropped = errors.New("connection reset by peer")

// answer does what a request asks for.
func (s *Server) answer(ctx context.Context, target string, body []byte) (any, error) {
	name := strings.TrimPrefix(target, "AmazonSQS.")
	s.mu.Lock()
	s.counts[name]++
	s.mu.Unlock()
	if err := wait(ctx, s.Latency, nil); err != nil {
		return nil, err
	}
	fault := None
	if s.Fault != nil {
		fault = s.Fault(name)
	}
	if err := fault.err(name); err != nil {
		return nil, err
	}
	do := actions[name]
	if do == nil {
		return nil, refuse("InvalidAction", name)
	}
	out, err := do(s, ctx, body)
	if fault == DropReply {
		return nil, errDropped
	}
	return out, err
}

func (f Fault) err(name string) error {
	switch f {
	case Unavailable:
		return &apiError{"ServiceUnavailable", "try again", http.StatusServiceUnavailable}
	case Throttled:
		return refuse("ThrottlingException", "rate exceeded")
	case Denied:
		return &apiError{"AccessDeniedException", "not authorized to perform: sqs:" + strings.TrimSuffix(name, "Batch"), http.StatusForbidden}
	case Expired:
		return &apiError{"ExpiredTokenException", "the security token is expired", http.StatusForbidden}
	case OverLimit:
		return refuse("OverLimit", "too many messages in flight")
	}
	return nil
}

// wait ends with ctx, after d, or when something changed (nil = never).
func wait(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// reply is status and body of an answer.
func reply(out any, err error) (int, []byte) {
	if api, ok := errors.AsType[*apiError](err); ok {
		body, _ := json.Marshal(map[string]string{"__type": "com.amazonaws.sqs#" + api.code, "message": api.message})
		return api.status, body
	}
	body, _ := json.Marshal(out)
	return http.StatusOK, body
}

// RoundTrip answers a request in the goroutine that makes it.
func (s *Server) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body.Close()
	out, err := s.answer(req.Context(), req.Header.Get("X-Amz-Target"), body)
	if _, api := errors.AsType[*apiError](err); err != nil && !api {
		return nil, err
	}
	status, raw := reply(out, err)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(bytes.NewReader(raw)), ContentLength: int64(len(raw)), Request: req,
	}, nil
}

// ServeHTTP answers a request that came over a socket.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	out, err := s.answer(req.Context(), req.Header.Get("X-Amz-Target"), body)
	if _, api := errors.AsType[*apiError](err); err != nil && !api {
		panic(http.ErrAbortHandler)
	}
	status, raw := reply(out, err)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}
