package push_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
	"github.com/leat-go/leat/worker/push"
)

// A program that runs while there are requests, as on Cloud Run. Pub/Sub pushes
// "20" in its wrapping; without a token it would be anybody's.
func ExampleHandler() {
	records := backendtest.NewShelf() // a database, in the cloud
	source := push.NewSource(nil)
	q := queue.New[int, int](broker.New(source, records, broker.Options{}), "numbers")
	defer q.Close()
	h := push.New(source, worker.New(q, func(_ context.Context, job *queue.Job[int]) (int, error) {
		fmt.Println("doubled:", 2*job.Args)
		return 2 * job.Args, nil
	}))
	h.Verify = push.Bearer(func(_ context.Context, token string) error {
		if token != "of the subscription's service account" {
			return errors.New("a stranger")
		}
		return nil
	})

	r := httptest.NewRequest(http.MethodPost, "/push", strings.NewReader(
		`{"message":{"data":"MjA=","messageId":"1"},"subscription":"projects/p/subscriptions/s"}`))
	r.Header.Set("Authorization", "Bearer of the subscription's service account")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// doubled: 40
	// 204
}
