package cdk_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker"
)

func init() {
	broker.RegisterRecords("shelf", func(context.Context, *url.URL) (*broker.RecordStore, error) {
		return &broker.RecordStore{Records: backendtest.NewShelf(), Name: "shelf", Durability: backends.Process}, nil
	})
}

const inProcess = "cdk://?topic=mem%3A%2F%2Fjobs&subscription=mem%3A%2F%2Fjobs%3Fackdeadline%3D10m&records=shelf%3A%2F%2Fx"

func TestURL_OpensBothEnds(t *testing.T) {
	b, err := backends.Open(t.Context(), inProcess)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	if f := b.Features(); f.Name != "cdk-mem+shelf" || !f.Records || f.Shared || f.Durability != backends.Process {
		t.Errorf("features: %+v", f)
	}
	job := backends.Job{Ref: backends.Ref{ID: "1"}, Kind: "optimise"}
	out, err := b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "whatif", Jobs: []backends.Job{job}})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
	leases, err := b.Claim(t.Context(), backends.ClaimRequest{Queue: "whatif", Max: 1, Lease: time.Minute})
	if err != nil || leases[0].Job.Ref != job.Ref {
		t.Fatal(err, leases)
	}
	errs, err := b.Settle(t.Context(), []backends.Settlement{{Lease: leases[0], Verb: backends.Commit, Outcome: backends.Succeeded}})
	if err != nil || len(errs) > 0 && errs[0] != nil {
		t.Fatal(err, errs)
	}
}

func TestURL_OpensAgainAfterClose(t *testing.T) {
	for range 2 {
		b, err := backends.Open(t.Context(), inProcess)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestURL_SaysWhatIsWrong(t *testing.T) {
	for raw, want := range map[string]string{
		"cdk://":                     "needs topic=",
		"cdk://?topic=mem%3A%2F%2Fx": "needs subscription=",
		"cdk://?topic=nowhere%3A%2F%2Fs3cret&subscription=mem%3A%2F%2Fx": "no driver opens the scheme nowhere of topic",
		"cdk://?topic=mem%3A%2F%2Fx&subscription=%3A%2F%2Fs3cret%25":     "subscription can't be parsed",
		"cdk://host?topic=mem%3A%2F%2Fx&subscription=mem%3A%2F%2Fx":      "takes topic, subscription, queue and records only",
		"cdk://?topic=mem%3A%2F%2Fx&subscription=mem%3A%2F%2Fx&color=1":  "takes topic, subscription, queue and records only",
	} {
		_, err := backends.Open(t.Context(), raw)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
}
