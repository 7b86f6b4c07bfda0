package blobbucket_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"gocloud.dev/blob/memblob"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/blobbucket"
)

func TestSignedURL_ServesTheObject(t *testing.T) {
	client, bucket := fakeS3(t)
	b := blobbucket.New(closed(t, openS3(t, client, bucket)))
	if err := b.Write(t.Context(), "2026-12-09/a", []byte("plan")); err != nil {
		t.Fatal(err)
	}
	url, err := b.SignedURL(t.Context(), "2026-12-09/a", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || string(body) != "plan" {
		t.Errorf("%s: %q, %v", resp.Status, body, err)
	}
}

func TestSignedURL_Refusals(t *testing.T) {
	b := blobbucket.New(closed(t, memblob.OpenBucket(nil)))
	if _, err := b.SignedURL(t.Context(), "2026-12-09/a", time.Minute); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("memory: %v", err)
	}
	if _, err := b.SignedURL(t.Context(), "2026-12-09/a", 0); !errors.Is(err, queue.ErrInvalid) {
		t.Errorf("no life: %v", err)
	}
}
