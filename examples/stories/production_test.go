package stories_test

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/filebucket"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

// serve is the main function of a worker.
func serve(q *queue.Queue[Settings, Plan], bucket queue.Bucket) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	w := worker.New(q, optimise)
	w.Concurrency = 16
	w.RunLimit = 10 * time.Minute
	http.Handle("/health/", http.StripPrefix("/health", worker.Probes(w))) // /health/live, /health/ready
	err := worker.Run(ctx, w, &queue.Sweeper{Bucket: bucket})              // until SIGTERM, then it drains
	return err
}

func TestAWorkerServesUntilItIsTold(t *testing.T) {
	b := memory.New(memory.Options{})
	defer b.Close()
	bucket, err := filebucket.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	q := queue.New[Settings, Plan](b, "whatif")
	served := make(chan error, 1)
	go func() { served <- serve(q, bucket) }()

	ticket, err := q.Enqueue(t.Context(), Settings{"zeta", "22423"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := result.Wait(t.Context(), q, ticket.Ref); err != nil {
		t.Error(err)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
