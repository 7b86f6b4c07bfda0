package main

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/examples/decoupled/plan"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// stopWhileRunning ends the service a second into a question of 24 products, two at a
// time, and returns how the question stands then.
func stopWhileRunning(t *testing.T, pace time.Duration) *result.Status {
	t.Helper()
	f := memory()
	f.pace = pace
	s := newStage(t, f)
	ticket, err := s.queue.Enqueue(t.Context(), plan.Question{Title: "Last", Products: 24, Level: 95}, queue.Tenant("zeta"))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // virtual
	s.end()
	st, err := result.Lookup(t.Context(), s.queue, ticket.Ref)
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	return st
}

func TestWhatRunsMayFinishWhenTheServiceStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if st := stopWhileRunning(t, 400*time.Millisecond); st.State != queue.Succeeded { // it takes 4.8 s
			t.Errorf("it is %s", st.Phase())
		}
	})
}

func TestWhatTakesTooLongIsGivenBackWithoutAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if st := stopWhileRunning(t, 2*time.Second); st.State != queue.Waiting || st.Attempt != 0 || len(st.Failures) != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// The portal stays up until it is told to stop, and then stops.
func TestServeUntilToldToStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	f := flags{queue: "memory://?queue=plans", serve: "localhost:0", workers: 1}
	told := make(chan string, 1)
	done := make(chan error, 1)
	go func() { done <- run(ctx, f, says(told), &bytes.Buffer{}) }()
	if text := <-told; len(text) < len("the portal is at http://") {
		t.Error(text)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// says passes on what is printed.
type says chan string

func (s says) Write(p []byte) (int, error) {
	s <- string(p)
	return len(p), nil
}
