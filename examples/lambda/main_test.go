package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/backends/broker/sqs"
	"github.com/leat-go/leat/backends/broker/sqs/sqstest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPlayLosesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	if err := local(ctx, []string{"-json", "-jobs", "60"}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"lost":0,"duplicated":0,`) {
		t.Error(out.String())
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Jobs != 60 || r.Messages < 60 {
		t.Error(r, err)
	}
}

func TestArgumentsThatMakeNoSense(t *testing.T) {
	for _, args := range [][]string{{"-jobs", "0"}, {"-colour"}} {
		if err := local(t.Context(), args, new(bytes.Buffer)); err == nil {
			t.Error(args)
		}
	}
	if err := (report{Jobs: 3}).print(new(bytes.Buffer), false); err != nil {
		t.Error(err)
	}
}

func TestOptimiseAsAnyHandler(t *testing.T) {
	server := sqstest.New()
	tr, err := sqs.New(t.Context(), server.Client(), server.Queue("whatif", nil), sqs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if h := function(tr, backendtest.NewShelf()); !h.Report {
		t.Error("the mapping reports, the function doesn't")
	}
	plan, err := optimise(t.Context(), &queue.Job[Settings]{Args: Settings{"22423", 0.95, 2, []float64{3, 8, 5, 4}}})
	if want := (Plan{15, 20}); err != nil || plan != want {
		t.Errorf("%v, %v, want %v", plan, err, want)
	}
	_, err = optimise(t.Context(), &queue.Job[Settings]{Args: Settings{ServiceLevel: 1}})
	if _, dead := errors.AsType[*worker.PermanentError](err); !dead {
		t.Error(err)
	}
}
