package lambdatest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// version is that of the runtime API: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
const version = "/2018-06-01/runtime"

// functionARN is the one that every invocation is of.
const functionARN = "arn:aws:lambda:eu-west-1:123456789012:function:under-test"

// mostAnswer is the largest answer of a function that Lambda takes.
const mostAnswer = 6 << 20

// Runtime is the runtime API of one environment: an http.Handler to which the function
// connects (AWS_LAMBDA_RUNTIME_API). Make it with NewRuntime.
type Runtime struct {
	mux  http.ServeMux
	next chan *call

	mu   sync.Mutex
	last int
	out  map[string]*call // that the function has, by request id
	init chan error       // the function could not begin
}

// call is one invocation.
type call struct {
	id       string
	event    []byte
	deadline time.Time
	answer   chan answer
}

type answer struct {
	body []byte
	err  error
}

// FunctionError is what a function answers when it fails.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string { return fmt.Sprintf("lambdatest: %s: %s", e.Type, e.Message) }

// NewRuntime makes the API for one process.
func NewRuntime() *Runtime {
	r := &Runtime{next: make(chan *call), out: map[string]*call{}, init: make(chan error, 1)}
	r.mux.HandleFunc("GET "+version+"/invocation/next", r.serveNext)
	r.mux.HandleFunc("POST "+version+"/invocation/{id}/response", r.serveResponse)
	r.mux.HandleFunc("POST "+version+"/invocation/{id}/error", r.serveError)
	r.mux.HandleFunc("POST "+version+"/init/error", r.serveInitError)
	return r
}

// ServeHTTP is the function's side.
func (r *Runtime) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// Invoke waits until the function asks for an event, hands it this one, and waits for
// its answer. The error is a *FunctionError if the function failed.
func (r *Runtime) Invoke(ctx context.Context, event []byte, deadline time.Time) ([]byte, error) {
	c := r.begin(event, deadline)
	select {
	case r.next <- c:
	case err := <-r.init:
		return nil, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case a := <-c.answer:
		return a.body, a.err
	case <-ctx.Done():
		r.take(c.id)
		return nil, context.Cause(ctx)
	}
}

func (r *Runtime) begin(event []byte, deadline time.Time) *call {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	c := &call{id: fmt.Sprintf("00000000-0000-4000-8000-%012d", r.last), event: event, deadline: deadline, answer: make(chan answer, 1)}
	r.out[c.id] = c
	return c
}

// take is the invocation that may still be answered, once.
func (r *Runtime) take(id string) *call {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.out[id]
	delete(r.out, id)
	return c
}

// serveNext keeps the function waiting for the next event: Lambda freezes it there.
func (r *Runtime) serveNext(w http.ResponseWriter, req *http.Request) {
	var c *call
	select {
	case c = <-r.next:
	case <-req.Context().Done():
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", c.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN)
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0")
	_, _ = w.Write(c.event)
}

func (r *Runtime) serveResponse(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, mostAnswer+1))
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "InvalidRequest")
		return
	case len(body) > mostAnswer:
		r.answer(w, req, answer{err: &FunctionError{"Function.ResponseSizeTooLarge", "the answer is larger than 6 MiB"}}, http.StatusRequestEntityTooLarge)
		return
	}
	r.answer(w, req, answer{body: body}, http.StatusAccepted)
}

func (r *Runtime) serveError(w http.ResponseWriter, req *http.Request) {
	r.answer(w, req, answer{err: functionError(req)}, http.StatusAccepted)
}

func (r *Runtime) serveInitError(w http.ResponseWriter, req *http.Request) {
	select {
	case r.init <- functionError(req):
	default:
	}
	w.WriteHeader(http.StatusAccepted)
}

func (r *Runtime) answer(w http.ResponseWriter, req *http.Request, a answer, status int) {
	c := r.take(req.PathValue("id"))
	if c == nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestID")
		return
	}
	c.answer <- a
	w.WriteHeader(status)
}

func functionError(req *http.Request) error {
	e := &FunctionError{Type: req.Header.Get("Lambda-Runtime-Function-Error-Type")}
	body, err := io.ReadAll(io.LimitReader(req.Body, mostAnswer))
	if err = errors.Join(err, json.Unmarshal(body, e)); err != nil {
		e.Message = strings.TrimSpace(string(body))
	}
	return e
}

func refuse(w http.ResponseWriter, status int, kind string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(FunctionError{Type: kind, Message: http.StatusText(status)})
}
