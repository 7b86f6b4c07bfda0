//go:build unix

package processes

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/plant"
)

const (
	zombieLease = time.Second
	zombieJobs  = 6 // that each of them holds
)

// TestZombies_B4 freezes processes for three leases. Another does their jobs; what the
// frozen ones say when they go on is refused, and each job takes effect once.
func TestZombies_B4(t *testing.T) {
	pauses := plant.Size("LEAT_PAUSES", 2, 5)
	var sum zombies
	for pauses > 0 {
		n := min(pauses, 10)
		pauses -= n
		sum.freeze(t, n)
	}
	t.Logf("%+v", sum)
	if sum.Settles == 0 || sum.Extends == 0 {
		t.Error("the zombies didn't try everything")
	}
}

// zombies count what they said.
type zombies struct {
	Pauses, Jobs     int
	Settles, Extends int // that were refused
	Locked           int // pauses in which somebody was frozen in a transaction
}

// freeze freezes n processes at once, which share a file.
func (z *zombies) freeze(t *testing.T, n int) {
	folder := t.TempDir()
	plan := Plan{Folder: folder, Lease: zombieLease, Slots: zombieJobs, MaxCrashes: 100, Takes: 2 * zombieLease}
	q := look(t, plan)
	defer q.Close()
	var frozen []*holder
	for i := range n {
		plan.Name = fmt.Sprintf("frozen-%d", i)
		h := startHolder(t, plan)
		ask(t, q, i*zombieJobs, (i+1)*zombieJobs)
		until(t, 20*time.Second, "it holds jobs", func() bool { return len(h.runs()) == zombieJobs })
		frozen = append(frozen, h)
		time.Sleep(rand.N(zombieLease / 20))
		h.send(syscall.SIGSTOP)
	}
	plan.Name, plan.Takes, plan.Slots = "other", 0, n*zombieJobs
	other := startHolder(t, plan)
	time.Sleep(3 * zombieLease)
	if len(other.runs()) < n*zombieJobs {
		z.Locked++
	}
	for _, h := range frozen {
		h.send(syscall.SIGCONT)
	}
	until(t, 20*time.Second, "all is done", func() bool { return quiet(t, q) })
	for _, h := range append(frozen, other) {
		h.stop()
	}
	z.Pauses += n
	z.judge(t, folder, q, n)
}

func (z *zombies) judge(t *testing.T, folder string, q *opened, n int) {
	won := map[string]uint64{} // by id: the token that took effect
	effects(t, folder, "*", func(e effect) {
		switch was, there := won[e.id]; {
		case e.answer != "done":
		case there:
			t.Errorf("duplicated: %s took effect by the tokens %d and %d", e.id, was, e.token)
		default:
			won[e.id] = e.token
		}
	})
	effects(t, folder, "frozen-*", func(e effect) {
		if e.answer != "lost" {
			return
		}
		if e.token >= won[e.id] {
			t.Errorf("%s was refused to token %d, and token %d took effect", e.id, e.token, won[e.id])
		}
		if e.what == "extend" {
			z.Extends++
		} else {
			z.Settles++
		}
	})
	all := records(t, q)
	if len(all) != n*zombieJobs {
		t.Errorf("there are %d records", len(all))
	}
	z.Jobs += len(all)
	for i, r := range all {
		var got Result
		err := json.Unmarshal(r.Result, &got)
		if r.State != backends.Succeeded || err != nil || got.Value != right(i).Value || r.Token != won[r.Job.ID] {
			t.Errorf("job %d is %v with %q by token %d; token %d took effect", i, r.State, r.Result, r.Token, won[r.Job.ID])
		}
		if z.Locked == 0 && got.By != "other" {
			t.Errorf("job %d was done by %s", i, got.By)
		}
	}
}
