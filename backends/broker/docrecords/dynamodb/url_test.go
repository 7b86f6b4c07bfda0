package dynamodb_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

func TestURLOpensATable(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary")
	f := newFake("")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := f.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		maps.Copy(w.Header(), resp.Header)
		w.WriteHeader(resp.StatusCode)
		if _, err := io.Copy(w, resp.Body); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	s, err := broker.OpenRecords(t.Context(), "dynamodb://records?region=eu-central-1&partition_key=id&create=true&endpoint="+url.QueryEscape(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Put(t.Context(), "key", []byte("v"), "", time.Time{}); err != nil || len(f.items) != 1 || s.Name != "dynamodb" {
		t.Fatalf("store %q, %d items, error %v", s.Name, len(f.items), err)
	}
}

func TestBadURLsAreRefused(t *testing.T) {
	for name, at := range map[string]string{
		"no table":          "dynamodb://?region=eu-central-1",
		"short name":        "dynamodb://ab?region=eu-central-1",
		"odd name":          "dynamodb://rec%20ords?region=eu-central-1",
		"a path":            "dynamodb://records/canary?region=eu-central-1",
		"a password":        "dynamodb://me:canary@records?region=eu-central-1",
		"unknown parameter": "dynamodb://records?secret=canary",
		"given twice":       "dynamodb://records?region=canary&region=canary",
		"create":            "dynamodb://records?create=canary",
		"reserved key":      "dynamodb://records?partition_key=value",
		"odd key":           "dynamodb://records?partition_key=canary;id",
		"dotted key":        "dynamodb://records?partition_key=canary.id",
		"odd region":        "dynamodb://records?region=eu%3Bcanary",
		"role":              "dynamodb://records?region=eu-central-1&role=canary",
		"fips":              "dynamodb://records?region=eu-central-1&fips=canary",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := broker.OpenRecords(t.Context(), at)
			if !errors.Is(err, backends.ErrInvalid) || strings.Contains(err.Error(), "canary") {
				t.Fatal(err)
			}
		})
	}
}

func TestNoCredentials(t *testing.T) {
	for _, env := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		t.Setenv(env, "")
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_, err := broker.OpenRecords(t.Context(), "dynamodb://records?region=eu-central-1")
	expectSetup(t, err, "no valid AWS credentials", "AWS_ACCESS_KEY_ID")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	_, err = broker.OpenRecords(t.Context(), "dynamodb://records")
	if !errors.Is(err, backends.ErrInvalid) || !strings.Contains(err.Error(), "region") {
		t.Fatal(err)
	}
}
