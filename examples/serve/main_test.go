package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// The service answers as its curl lines say, and ends when it is told to.
func TestServeTellsItsStory(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, l) }()
	site := "http://" + l.Addr().String()

	ask := func(method, path, user, body string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, site+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if user != "" {
			r.SetBasicAuth(user, "")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(text)
	}
	for want, c := range map[int][3]string{
		401: {"POST", "", `{"SKU":"22423"}`},
		400: {"POST", "zeta", `{"SKU":22423}`},
		422: {"POST", "zeta", `{}`},
	} {
		if got, text := ask(c[0], "/jobs", c[1], c[2]); got.StatusCode != want {
			t.Errorf("%v: %d %s", c, got.StatusCode, text)
		}
	}
	accepted, text := ask("POST", "/jobs", "zeta", `{"SKU":"22423"}`)
	job := accepted.Header.Get("Location")
	if accepted.StatusCode != 202 || job == "" {
		t.Fatalf("%d %s", accepted.StatusCode, text)
	}
	if got, text := ask("GET", job, "eta", ""); got.StatusCode != 404 {
		t.Errorf("another tenant: %d %s", got.StatusCode, text)
	}
	result, text := ask("GET", job+"/result", "zeta", "")
	for result.StatusCode == 202 {
		result, text = ask("GET", job+"/result", "zeta", "")
	}
	if want := `{"ReorderPoint":12,"OrderQuantity":40}`; text != want {
		t.Errorf("%d %s, want %s", result.StatusCode, text, want)
	}
	if got, text := ask("GET", "/health/ready", "", ""); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, text)
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
