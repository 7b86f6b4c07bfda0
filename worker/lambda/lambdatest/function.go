package lambdatest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"time"
)

// Function is a handler binary, run as Lambda runs it: a process at a time, started
// when there is an event and no process, killed when an invocation takes longer than
// Timeout. It is for one caller at a time.
type Function struct {
	Binary  string
	Env     []string      // beside the runtime's own; nothing is inherited
	Timeout time.Duration // of an invocation, a cold start not counted; 0 = 3 s, as Lambda's
	Log     io.Writer     // what the process prints; nil = nowhere

	Starts int // how many processes there were

	env *environment
}

// Why an invocation had no answer.
var (
	ErrTimeout = errors.New("lambdatest: the function ran out of time and was killed")
	ErrExited  = errors.New("lambdatest: the function's process exited")
)

// coldStart bounds a start.
const coldStart = 30 * time.Second

// environment is a process and its runtime API.
type environment struct {
	*Runtime
	cmd    *exec.Cmd
	server *http.Server
	served chan struct{}
	exited chan struct{}
}

// Invoke brings the event to the function, as JSON, and reads its answer into out,
// nil = it doesn't matter. The error is a *FunctionError, ErrTimeout or ErrExited; after
// the last two the next invocation is a cold start.
func (f *Function) Invoke(ctx context.Context, event, out any) error {
	raw, err := json.Marshal(event)
	if err != nil {
		return err
	}
	if f.env == nil {
		if err := f.start(); err != nil {
			return err
		}
	}
	answer, err := f.call(ctx, raw)
	if _, failed := errors.AsType[*FunctionError](err); err != nil && !failed {
		f.Close()
	}
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// call is an invocation of a process that is there.
func (f *Function) call(ctx context.Context, event []byte) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := f.Timeout
	if limit <= 0 {
		limit = 3 * time.Second
	}
	e := f.env
	watched := make(chan struct{})
	defer func() { cancel(nil); <-watched }()
	deadline := time.Now().Add(limit)
	go func() {
		defer close(watched)
		over := time.NewTimer(limit)
		defer over.Stop()
		select {
		case <-over.C:
			cancel(ErrTimeout)
		case <-e.exited:
			cancel(ErrExited)
		case <-ctx.Done():
		}
	}()
	return e.Invoke(ctx, event, deadline)
}

// start begins a process, and waits until it asks for its first event.
func (f *Function) start() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e := &environment{Runtime: NewRuntime(), served: make(chan struct{}), exited: make(chan struct{})}
	ready := make(chan struct{}, 1)
	e.server = &http.Server{ReadHeaderTimeout: coldStart, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case ready <- struct{}{}:
		default:
		}
		e.ServeHTTP(w, r)
	})}
	go func() { defer close(e.served); _ = e.server.Serve(l) }()
	e.cmd = exec.Command(f.Binary)
	e.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=under-test",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "TZ=:UTC",
	}, f.Env...)
	e.cmd.Stdout, e.cmd.Stderr = f.Log, f.Log
	f.env = e
	if err := e.cmd.Start(); err != nil {
		close(e.exited)
		f.Close()
		return err
	}
	f.Starts++
	go func() { defer close(e.exited); _ = e.cmd.Wait() }()
	timer := time.NewTimer(coldStart)
	defer timer.Stop()
	select {
	case <-ready:
		return nil
	case <-e.exited:
		err = ErrExited
	case <-timer.C:
		err = fmt.Errorf("no request of the function's process within %v: %w", coldStart, ErrTimeout)
	}
	f.Close()
	return err
}

// Close kills the process, if there is one, and waits for it.
func (f *Function) Close() {
	e := f.env
	if e == nil {
		return
	}
	f.env = nil
	if e.cmd.Process != nil {
		_ = e.cmd.Process.Kill()
	}
	<-e.exited
	_ = e.server.Close()
	<-e.served
}
