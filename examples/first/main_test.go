package main

import (
	"strings"
	"testing"

	"github.com/leat-go/leat/queue"
)

func TestFirstTellsItsStory(t *testing.T) {
	q, err := queue.Open[Settings, Plan](t.Context(), "memory://first?queue=whatif")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	var out strings.Builder
	if err := run(t.Context(), &out, q, 1000, 4); err != nil {
		t.Fatalf("%v after\n%s", err, out.String())
	}
	for _, want := range []string{
		"1000 jobs of alpha stood first", "superseded:   superseded", "dead letter:  dead, after 3 attempts",
		`3 × "the supplier answers 500"`, "and it succeeded",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
