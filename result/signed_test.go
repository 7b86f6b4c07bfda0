package result_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// signing is a bucket that gives out URLs.
type signing struct{ *bucket }

func (signing) SignedURL(_ context.Context, key string, life time.Duration) (string, error) {
	return "https://bucket.example/" + key + "?for=" + life.String(), nil
}

// stored is a job whose result lies in the bucket.
func (s *scene) stored() queue.Ref {
	s.q.Inline = 1
	ref := s.enqueue()
	s.Succeed(s.Claim(), plan{120})
	return ref
}

func TestSignedURL_OfWhatLiesInTheBucket(t *testing.T) {
	s := newScene(t)
	s.q.Bucket = signing{newBucket()}
	ref := s.stored()
	url, err := result.SignedURL(t.Context(), s.q, ref, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.b.Lookup(t.Context(), ref, 0)
	if err != nil || r.Stored == "" || url != "https://bucket.example/"+r.Stored+"?for=1h0m0s" {
		t.Errorf("URL %s, record %+v, error %v", url, r, err)
	}
}

func TestSignedURL_SaysWhyThereIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		want error
		make func(*scene) queue.Ref
	}{
		"waits":     {queue.ErrNotReady, func(s *scene) queue.Ref { return s.enqueue() }},
		"unknown":   {queue.ErrNotFound, func(*scene) queue.Ref { return queue.Ref{Tenant: "zeta", ID: "none"} }},
		"cancelled": {queue.ErrCancelled, func(s *scene) queue.Ref { ref := s.enqueue(); s.cancel(ref); return ref }},
		"small":     {errors.ErrUnsupported, func(s *scene) queue.Ref { ref := s.enqueue(); s.Succeed(s.Claim(), plan{1}); return ref }},
		"no signer": {errors.ErrUnsupported, func(s *scene) queue.Ref { s.q.Bucket = newBucket(); return s.stored() }},
		"encrypted": {errors.ErrUnsupported, func(s *scene) queue.Ref {
			s.q.Box = envelope{}
			return s.stored()
		}},
		"not ours": {fs.ErrNotExist, func(s *scene) queue.Ref {
			ref := s.enqueue()
			l := s.Claim()
			s.Settle(backends.Settlement{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded, Stored: "2026-12-09/invoices.csv"})
			return ref
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.q.Bucket = signing{newBucket()}
			if url, err := result.SignedURL(t.Context(), s.q, c.make(s), time.Hour); !errors.Is(err, c.want) || url != "" {
				t.Errorf("URL %q, error %v, want %v", url, err, c.want)
			}
		})
	}
}
