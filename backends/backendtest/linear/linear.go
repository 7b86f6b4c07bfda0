// Package linear checks that a Backend is linearizable per job: whatever many
// clients did to one job at the same time, there is an order of their calls, each
// taking effect at one moment between its start and its return, that the rules
// allow. A [model] of one job says what they allow; Porcupine looks for the order.
package linear

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/leat-go/leat/backends/backendtest"
)

const (
	clients  = 16
	ids      = 4    // jobs of one round, all clients at each
	perRound = 1000 // steps: the search grows faster than its history
)

// Run makes about so many calls, in rounds on a store of their own each, and
// fails with the history of each job that no order explains. The environment's
// LEAT_OPS goes first.
func Run(t *testing.T, h backendtest.Harness, calls int) {
	if n, err := strconv.Atoi(os.Getenv("LEAT_OPS")); err == nil {
		calls = n
	}
	recorded := 0
	for round := uint64(0); recorded < calls && !t.Failed(); round++ {
		history := Record(t, h, round)
		recorded += len(history)
		for id, why := range Violations(history) {
			t.Errorf("round %d: no order explains what happened to job %s:\n%s", round, id, why.list())
			why.draw(t, id)
		}
	}
	t.Logf("%d calls", recorded)
}

// Violation is the history of a job that no order explains.
type Violation struct {
	history []porcupine.Operation
	info    porcupine.LinearizationInfo
}

// Violations are the jobs whose history can't be explained, by id.
func Violations(history []porcupine.Operation) map[string]Violation {
	bad := map[string]Violation{}
	m := model()
	for _, part := range byJob(history) {
		result, info := porcupine.CheckOperationsVerbose(m, part, time.Minute)
		if result != porcupine.Ok { // a search that takes so long is no proof either
			bad[part[0].Input.(call).id] = Violation{part, info}
		}
	}
	return bad
}

func byJob(history []porcupine.Operation) [][]porcupine.Operation {
	at := map[string]int{}
	var parts [][]porcupine.Operation
	for _, op := range history {
		id := op.Input.(call).id
		i, ok := at[id]
		if !ok {
			i = len(parts)
			at[id] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], op)
	}
	return parts
}

// list prints the history, a call a line, up to the first ones that fit nowhere:
// they are marked.
func (v Violation) list() string {
	placed := map[int64]bool{} // by start, which is unique
	for _, order := range v.longest() {
		placed[order.Call] = true
	}
	var b strings.Builder
	misfits := 0
	for _, op := range v.history {
		mark := ' '
		if !placed[op.Call] {
			mark = '✗'
			misfits++
		}
		fmt.Fprintf(&b, "%c %5d–%-5d client %-2d %s\n", mark, op.Call, op.Return, op.ClientId,
			describe(op.Input.(call), op.Output.(reply)))
		if misfits == 3 {
			break
		}
	}
	return b.String()
}

// longest is the longest order that explains a part of the history.
func (v Violation) longest() (longest []porcupine.Operation) {
	for _, part := range v.info.PartialLinearizationsOperations() {
		for _, order := range part {
			if len(order) > len(longest) {
				longest = order
			}
		}
	}
	return longest
}

// draw leaves Porcupine's picture of the search, an HTML page.
func (v Violation) draw(t *testing.T, id string) {
	path := filepath.Join(t.ArtifactDir(), "job-"+id+".html")
	if err := porcupine.VisualizePath(model(), v.info, path); err != nil {
		t.Errorf("drawing the history: %v", err)
		return
	}
	t.Logf("drawn in %s (kept with go test -artifacts)", path)
}

// Record makes one round of calls on a store of its own, in a bubble if the
// Backend lives in memory.
func Record(t *testing.T, h backendtest.Harness, seed uint64) (history []porcupine.Operation) {
	if !h.Virtual {
		return run(t, h, seed)
	}
	synctest.Test(t, func(t *testing.T) { history = run(t, h, seed) })
	return history
}
