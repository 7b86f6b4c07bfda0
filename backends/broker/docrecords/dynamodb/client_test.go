package dynamodb_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	dyn "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/docrecords/dynamodb"
	"github.com/leat-go/leat/internal/services"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire is a way to the service.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

// place is where a service is, and how it is reached.
type place struct {
	endpoint string
	http.RoundTripper
}

func inProcess(key string) place { return place{"http://dynamodb.invalid", newFake(key)} }

func dynalite(t *testing.T) place {
	at := place{services.URL(t, "LEAT_DYNALITE"), &http.Transport{}}
	t.Cleanup(at.RoundTripper.(*http.Transport).CloseIdleConnections)
	name, c := "records", client(at) // an earlier test may have left it
	if _, err := c.DeleteTable(t.Context(), &dyn.DeleteTableInput{TableName: &name}); err == nil {
		gone := dyn.NewTableNotExistsWaiter(c, func(o *dyn.TableNotExistsWaiterOptions) { o.MinDelay, o.MaxDelay = time.Millisecond, time.Second })
		if err := gone.Wait(t.Context(), &dyn.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

// everywhere runs a test on the fake and on dynalite, each with the table
// "records" made by create=true.
func everywhere(t *testing.T, test func(t *testing.T, at place)) {
	t.Run("fake", func(t *testing.T) { test(t, inProcess("")) })
	t.Run("dynalite", func(t *testing.T) { test(t, dynalite(t)) })
}

// client retries three times, and doesn't wait.
func client(at place) *dyn.Client {
	return dyn.New(dyn.Options{
		Region: "eu-central-1", BaseEndpoint: &at.endpoint, HTTPClient: &http.Client{Transport: at},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "canary"}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

// drop takes the table away.
func drop(t *testing.T, at place) {
	t.Helper()
	name := "records"
	if _, err := client(at).DeleteTable(t.Context(), &dyn.DeleteTableInput{TableName: &name}); err != nil {
		t.Fatal(err)
	}
}

// open makes the table where it is missing.
func open(t *testing.T, at place) *broker.RecordStore {
	t.Helper()
	s, err := dynamodb.Open(t.Context(), client(at), dynamodb.Table{Name: "records", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// meter counts requests by operation.
type meter struct {
	http.RoundTripper
	mu sync.Mutex
	n  map[string]int
}

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.n[operation(r)]++
	m.mu.Unlock()
	return m.RoundTripper.RoundTrip(r)
}

// take returns the counts so far and starts anew.
func (m *meter) take() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.n
	m.n = map[string]int{}
	return n
}
