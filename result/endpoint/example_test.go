package endpoint_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/endpoint"
)

type (
	Settings struct{ Screen, SKU string }
	Plan     struct{ ReorderPoint int }
)

// A job is accepted, looked after, and its result fetched.
func Example() {
	ctx := context.Background()
	b := memory.New(memory.Options{})
	defer b.Close()
	q := queue.New[Settings, Plan](b, "whatif")

	jobs := endpoint.New(q)
	jobs.Authorize = func(r *http.Request) (tenant string, err error) {
		if user, password, ok := r.BasicAuth(); ok && password == "open sesame" {
			return user, nil
		}
		return "", &endpoint.Problem{Status: 401, Header: http.Header{"WWW-Authenticate": {"Basic"}}}
	}
	jobs.Options = func(_ *http.Request, s Settings) []queue.Option {
		return []queue.Option{queue.Supersede(s.Screen)}
	}
	mux := http.NewServeMux()
	mux.Handle("/jobs", jobs)
	mux.Handle("/jobs/", jobs)

	ask := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.SetBasicAuth("zeta", "open sesame")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	accepted := ask("POST", "/jobs", `{"Screen":"9","SKU":"22423"}`)
	job := accepted.Header().Get("Location")
	fmt.Println(accepted.Code, strings.HasPrefix(job, "/jobs/"))
	fmt.Println(ask("GET", job+"/result", "").Code)

	// Elsewhere, a worker.
	leases, _ := b.Claim(ctx, backends.ClaimRequest{Queue: "whatif", Max: 1, Lease: time.Minute})
	b.Settle(ctx, []backends.Settlement{{
		Lease: leases[0], Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte(`{"ReorderPoint":12}`),
	}})

	done := ask("GET", job+"/result", "")
	fmt.Println(done.Code, done.Body)
	// Output:
	// 202 true
	// 202
	// 200 {"ReorderPoint":12}
}
