//go:build unix

package processes

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
)

// killed is what came of row B1.
type killed struct {
	Row          string  `json:"row"`
	Rich         bool    `json:"rich"`
	Jobs         int     `json:"jobs"`
	Acknowledged int     `json:"acknowledged"`
	Recovered    int     `json:"recovered"` // there, and not acknowledged, or only to the second who asked
	Kills        int     `json:"kills"`
	AllAtOnce    int     `json:"all_at_once"` // times when nobody was left
	Lapses       int     `json:"lapses"`      // leases that were taken over
	Lost         int     `json:"lost"`
	Duplicated   int     `json:"duplicated"`
	Wrong        int     `json:"wrong"`
	Stuck        int     `json:"stuck"`
	Unannounced  int     `json:"unannounced"`
	Integrity    string  `json:"integrity"`
	Seconds      float64 `json:"seconds"`
	PerSecond    float64 `json:"jobs_per_s"`
	Bytes        int64   `json:"file_bytes"`
}

// TestKill9_B1 kills producers and workers that share a file, one by one and all at
// once, and starts them again. Each job that was acknowledged has one record and its own
// result, each effect that was acknowledged stands, and nothing took effect twice. A
// tenth of the jobs is for a queue with tenants, limits, events, delays and retries.
func TestKill9_B1(t *testing.T) {
	jobs, kills := plant.Size("LEAT_JOBS", 400, 2000), plant.Size("LEAT_KILLS", 2, 4)
	t.Run("plain", func(t *testing.T) { killEverybody(t, jobs, kills, false) })
	t.Run("rich", func(t *testing.T) { killEverybody(t, max(jobs/10, 400), max(kills/4, 2), true) })
}

func killEverybody(t *testing.T, jobs, kills int, rich bool) {
	k := &killing{t: t, folder: t.TempDir(), seed: rand.Uint64(), did: map[string]int{}, rich: rich}
	k.rnd = plant.Dice(k.seed)
	k.block = min(100, jobs/40)
	k.jobs = jobs / k.block * k.block
	began := time.Now()
	k.run(kills)
	out := killed{Row: "B1", Rich: rich, Jobs: k.jobs, Kills: k.kills, AllAtOnce: k.allAtOnce, Seconds: time.Since(began).Seconds()}
	out.PerSecond = float64(k.jobs) / out.Seconds
	k.judge(&out)
	line, _ := json.Marshal(out)
	t.Logf("%s", line)
	if out.Lost+out.Duplicated+out.Wrong+out.Stuck+out.Unannounced > 0 || out.Integrity != "ok" {
		t.Errorf("seed %d: %s", k.seed, line)
	}
}

// killing is one run of the row.
type killing struct {
	t           *testing.T
	folder      string
	seed        uint64
	rnd         *rand.Rand
	jobs, block int
	rich        bool

	kills, allAtOnce int
	starts           int
	running          [3]*process // the producer and two workers
	produced         bool

	seen         int // of progress
	moved, asked time.Time

	mu    sync.Mutex
	acked int
	did   map[string]int // jobs that each process has run
}

func (k *killing) plan() Plan {
	return Plan{
		Part: "worker", Folder: k.folder, Jobs: k.jobs, Block: k.block,
		Lease: 2 * time.Second, Slots: 256, MaxCrashes: 100, Rich: k.rich,
	}
}

func (k *killing) start(i int) {
	k.starts++
	p := k.plan()
	if i == 0 {
		p.Part = "producer"
	}
	p.Name = fmt.Sprintf("%s-%d", p.Part, k.starts)
	k.running[i] = start(k.t, p, func(line string) {
		var what string
		var n int
		if _, err := fmt.Sscan(line, &what, &n); err != nil {
			return
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if what == "acked" {
			k.acked = n
		} else {
			k.did[p.Name] = n
		}
	})
}

// progress is how much is done, of twice the jobs: each is enqueued and run.
func (k *killing) progress() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.acked
	for _, did := range k.did {
		n += did
	}
	return n
}

// run is the whole of it: kills at random moments, until all is done.
func (k *killing) run(kills int) {
	for i := range k.running {
		k.start(i)
	}
	for i := range kills {
		at := int((float64(i) + k.rnd.Float64()) / float64(kills) * float64(2*k.jobs))
		for k.progress() < at && !k.done() {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(k.rnd.Int64N(int64(5 * time.Millisecond))))
		k.killSome()
	}
	for !k.done() {
		if time.Since(k.moved) > time.Minute {
			k.t.Fatalf("seed %d: for a minute no progress: %d of %d", k.seed, k.progress(), 2*k.jobs)
		}
		time.Sleep(time.Millisecond)
	}
	for _, p := range k.running[1:] {
		p.stop()
	}
}

// killSome kills one at random, or everybody.
func (k *killing) killSome() {
	var victims []int
	for i, p := range k.running {
		if i > 0 || !k.produced && !p.over() {
			victims = append(victims, i)
		}
	}
	if k.rnd.IntN(4) > 0 {
		victims = victims[k.rnd.IntN(len(victims)):][:1]
	} else {
		k.allAtOnce++
	}
	for _, i := range victims { // first all of them, then the wait
		_ = k.running[i].cmd.Process.Kill()
	}
	for _, i := range victims {
		k.running[i].kill()
		k.kills++
		k.start(i)
	}
}

// check sees that nobody has ended who wasn't killed.
func (k *killing) check() {
	for i, p := range k.running {
		if !p.over() || i == 0 && k.produced {
			continue
		}
		if i > 0 || p.err != nil {
			k.t.Fatalf("seed %d: %s ended by itself: %v", k.seed, p.plan.Name, p.err)
		}
		k.produced = true
	}
}

// done reports whether all is done. What a process did right before it was killed, it
// couldn't tell: when nothing seems to move, the store is asked.
func (k *killing) done() bool {
	k.check()
	if now := k.progress(); now != k.seen || k.moved.IsZero() {
		k.seen, k.moved = now, time.Now()
	}
	if !k.produced || k.seen < 2*k.jobs && time.Since(k.moved) < 200*time.Millisecond {
		return false
	}
	if time.Since(k.asked) < 200*time.Millisecond {
		return false
	}
	q := look(k.t, k.plan())
	defer q.Close()
	s, err := q.Stats(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	k.asked = time.Now()
	return s.Queued+s.Scheduled+s.Held+s.Running+s.Owing == 0
}

// judge holds the store against the logs.
func (k *killing) judge(out *killed) {
	t := k.t
	a, err := readAcks(k.folder)
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]int{} // of acknowledged jobs
	for block, ids := range a.blocks {
		for i, id := range ids {
			if n, there := numbers[id]; there {
				out.Duplicated++
				t.Logf("jobs %d and %d have one id", n, block*k.block+i)
			}
			numbers[id] = block*k.block + i
		}
	}
	out.Acknowledged, out.Recovered = len(numbers), a.duplicates
	out.Integrity = integrity(t, k.folder)
	tokens, heard := k.effects(out), k.heard()
	seen := map[int]bool{}
	q := look(t, k.plan())
	for r, err := range q.Jobs(t.Context(), queue.Filter{AnyTenant: true}) {
		if err != nil {
			t.Fatal(err)
		}
		n := k.judgeRecord(q, r, numbers, tokens, out)
		if seen[n] {
			out.Duplicated++
			t.Logf("job %d has two records", n)
		}
		seen[n] = true
		if k.rich && !heard[r.Job.ID+" "+r.State.String()] {
			out.Unannounced++
			t.Logf("unannounced: job %d ended %v", n, r.State)
		}
	}
	for id, n := range numbers { // judgeRecord took out what is there
		out.Lost++
		t.Logf("lost: job %d, %s, was acknowledged and has no record", n, id)
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	if n := counted(t, k.folder); n != 0 {
		out.Wrong++
		t.Logf("wrong: nothing waits, and the limits count %d", n)
	}
	if info, err := os.Stat(file(k.folder)); err == nil {
		out.Bytes = info.Size()
	}
}

// judgeRecord judges one job, and takes it off the list of those expected.
func (k *killing) judgeRecord(q *opened, r *queue.Record, numbers map[string]int, tokens map[string]uint64, out *killed) int {
	id := r.Job.ID
	args, err := q.Args(k.t.Context(), r)
	if err != nil {
		k.t.Fatal(err)
	}
	n, acked := numbers[id]
	if acked {
		delete(numbers, id)
	} else {
		out.Recovered++
	}
	var got Result
	err = json.Unmarshal(r.Result, &got)
	token, told := tokens[id]
	switch {
	case !r.State.Ended() || r.Owes != 0:
		out.Stuck++
		k.t.Logf("stuck: job %d is %v, token %d, due %v, owes %v", args.N, r.State, r.Token, r.Due, r.Owes)
	case r.State != backends.Succeeded || err != nil || got != right(args.N) || acked && n != args.N:
		out.Wrong++
		k.t.Logf("wrong: job %d (%d) is %v with %q", args.N, n, r.State, r.Result)
	case told && (r.Token < token || r.Token > token && !k.rich): // who announces has a newer one
		out.Lost++
		k.t.Logf("lost: job %d ended by token %d, as was acknowledged, and its record has %d", args.N, token, r.Token)
	}
	out.Lapses += r.Attempt - 1 // none of these jobs fails
	return args.N
}

// effects returns the token of each success that was acknowledged to a worker.
func (k *killing) effects(out *killed) map[string]uint64 {
	tokens := map[string]uint64{}
	effects(k.t, k.folder, "*", func(e effect) {
		if e.answer != "done" {
			return
		}
		if was, there := tokens[e.id]; there && was != e.token {
			out.Duplicated++
			k.t.Logf("duplicated: %s ended by the tokens %d and %d", e.id, was, e.token)
		}
		tokens[e.id] = e.token
	})
	return tokens
}

// heard are the events that were delivered: id and state.
func (k *killing) heard() map[string]bool {
	heard := map[string]bool{}
	files, _ := filepath.Glob(filepath.Join(k.folder, "*.events"))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			k.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			heard[strings.TrimSuffix(line, "\n")] = true
		}
	}
	return heard
}

// counted is how many jobs the counters of limits say that wait.
func counted(t *testing.T, folder string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file(folder))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.QueryRow(`SELECT (SELECT coalesce(sum(abs(waiting)), 0) FROM leat_backlogs) + (SELECT coalesce(sum(abs(waiting)), 0) FROM leat_queues)`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// integrity is what SQLite itself says of the file.
func integrity(t *testing.T, folder string) (says string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file(folder))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&says); err != nil {
		return err.Error()
	}
	return says
}
