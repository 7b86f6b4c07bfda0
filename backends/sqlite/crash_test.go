package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
	"github.com/leat-go/leat/internal/plant"
)

// TestCrashPoints_B3: a process stops before and after every statement of a call, and
// between every two writes of a commit and of a checkpoint, or amid one. The file is
// whole, and holds all of a step or nothing of it; what was acknowledged is there; the
// call may be repeated elsewhere, and all ends well. Files are copied as they are at
// each point: what a process that stops leaves. LEAT_POINTS above 1 goes on from each
// copy, and not only from each that differs.
func TestCrashPoints_B3(t *testing.T) {
	every := plant.Size("LEAT_POINTS", 1, 1) > 1
	points := 0
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { points += stopEverywhere(t, s, every) })
		})
	}
	t.Logf("%d crash points in %d scenes", points, len(scenes))
}

// TestExits_B3 does the same with processes that end by os.Exit, at LEAT_EXITS points of
// each scene, chosen at random; from 100 on at every one.
func TestExits_B3(t *testing.T) {
	if text := os.Getenv("LEAT_EXIT"); text != "" {
		exitAt(t, text)
	}
	exits := plant.Size("LEAT_EXITS", 1, 1)
	for i, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			for k, over := 0, false; k < exits && !over; k++ {
				point := k
				if exits < 100 {
					point = rand.IntN(20)
				}
				folder := t.TempDir()
				cmd := exec.Command(os.Args[0], "-test.run=^TestExits_B3$")
				cmd.Env = append(os.Environ(), fmt.Sprintf("LEAT_EXIT=%d %d %s", i, point, folder))
				out, err := cmd.CombinedOutput()
				switch code := cmd.ProcessState.ExitCode(); code {
				case exitOver:
					over = exits >= 100
				case exitThere:
				default:
					t.Fatalf("point %d: %v\n%s", point, err, out)
				}
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					w.remembers(folder)
					time.Sleep(5 * time.Minute) // a bubble's time begins when the other's did
					w.goOn(folder, s)
				})
				if t.Failed() {
					t.Fatalf("after an exit at point %d", point)
				}
			}
		})
	}
}

const (
	exitThere = 7 // at the point
	exitOver  = 8 // the scene was over before
)

// exitAt plays a scene up to a point.
func exitAt(t *testing.T, text string) {
	var i, point int
	var folder string
	if _, err := fmt.Sscan(text, &i, &point, &folder); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.opens(folder)
		scenes[i].prepare(w)
		w.remember(folder)
		eye = func(string, bool) {
			if point--; point < 0 {
				os.Exit(exitThere)
			}
		}
		w.must(scenes[i].step(w, w.b))
		os.Exit(exitOver)
	})
}

// remember writes down the leases that a process holds, for who goes on with them.
func (w *world) remember(folder string) {
	for _, l := range w.leases {
		l.Handle = nil
	}
	text, err := json.Marshal(w.leases)
	w.must(err)
	w.must(os.WriteFile(filepath.Join(folder, "leases"), text, 0o600))
}

func (w *world) remembers(folder string) {
	text, err := os.ReadFile(filepath.Join(folder, "leases"))
	w.must(err)
	w.must(json.Unmarshal(text, &w.leases))
}

// photo is what a process that stops at a point leaves.
type photo struct {
	at        string
	file, log []byte
	over      int // commits that were
}

// camera takes photos of a store.
type camera struct {
	t       *testing.T
	path    string
	photos  []photo
	commits []photo // after each commit, and before the first
}

func (c *camera) take(at string) photo {
	file, err := os.ReadFile(c.path)
	if err != nil {
		c.t.Fatal(err)
	}
	log, err := os.ReadFile(c.path + "-wal")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatal(err)
	}
	return photo{at, file, log, len(c.commits) - 1}
}

// watch is told of every statement.
func (c *camera) watch(query string, over bool) {
	when := "before "
	if over {
		when = "after "
	}
	p := c.take(when + strings.Fields(query)[0])
	if over && query == "COMMIT" {
		p.over++
		c.commits = append(c.commits, p)
	}
	c.photos = append(c.photos, p)
}

// writes adds the points between the writes of each commit: a frame of the log is a
// head of 24 bytes and a page, which are written one after the other.
func (c *camera) writes(page int) (points []photo) {
	for i, next := range c.commits[1:] {
		was := c.commits[i]
		if !bytes.HasPrefix(next.log, was.log) || !bytes.Equal(next.file, was.file) {
			c.t.Fatalf("commit %d did more than append to the log", i)
		}
		at := len(was.log)
		for at < len(next.log) {
			steps := []int{24, page / 2, page - page/2}
			if at == 0 {
				steps = []int{16, 16} // the head of the log
			}
			for _, step := range steps {
				at += step
				points = append(points, photo{fmt.Sprintf("byte %d of the log", at), was.file, next.log[:min(at, len(next.log))], i})
			}
		}
	}
	return points
}

// checkpoint adds the points between the writes of a checkpoint, which copies pages of
// the log into the file.
func (c *camera) checkpoint(db *sql.DB, page int) (points []photo) {
	last := c.commits[len(c.commits)-1]
	if _, err := db.Exec(`PRAGMA wal_checkpoint(PASSIVE)`); err != nil {
		c.t.Fatal(err)
	}
	after := c.take("after a checkpoint")
	file := append(bytes.Clone(last.file), make([]byte, max(0, len(after.file)-len(last.file)))...)
	for at := 0; at < len(after.file); at += page {
		if bytes.Equal(file[at:at+page], after.file[at:at+page]) {
			continue
		}
		for _, end := range []int{at + page/2, at + page} {
			copy(file[at:end], after.file[at:end])
			points = append(points, photo{fmt.Sprintf("byte %d of the file", end), bytes.Clone(file), last.log, last.over})
		}
	}
	return append(points, after)
}

// stopEverywhere plays a scene once, and then looks at what each point of it leaves.
func stopEverywhere(t *testing.T, s scene, every bool) int {
	w := newWorld(t)
	folder := t.TempDir()
	db := w.opens(folder)
	s.prepare(w)
	before := w.snapshot()
	c := &camera{t: t, path: filepath.Join(folder, "jobs.db")}
	c.commits = append(c.commits, c.take("before"))
	c.commits[0].over = 0
	eye = c.watch
	err := s.step(w, w.b)
	eye = func(string, bool) {}
	w.must(err)
	if len(c.commits) < 2 {
		t.Fatal("nothing was committed")
	}
	var page int
	w.must(db.QueryRow(`PRAGMA page_size`).Scan(&page))
	writes, checkpoint := c.writes(page), c.checkpoint(db, page)
	w.must(w.b.Close())
	w.must(db.Close())

	var states []string // of the store, by commits
	for _, p := range c.commits {
		states = append(states, p.show(t))
	}
	if all := slices.Compact(slices.Clone(states)); len(all) != 2 {
		t.Errorf("the step made %d changes, want one that is whole", len(all)-1)
	}
	tried := map[string]bool{}
	for _, p := range append(c.photos, checkpoint...) {
		if got := p.show(t); got != states[p.over] {
			t.Fatalf("%s: %d commits were over, and the store is another", p.at, p.over)
		}
		before.from(p, s, states[p.over], tried, every)
	}
	reached := 0
	for i, p := range writes {
		state := p.show(t)
		switch {
		case state == states[p.over] && reached <= p.over:
		case state == states[p.over+1]:
			reached = p.over + 1
		default:
			t.Fatalf("%s: half of a step is in the store, or it went back", p.at)
		}
		if i == len(writes)-1 && state != states[len(states)-1] {
			t.Fatalf("%s: all is written, and not there", p.at)
		}
		before.from(p, s, state, tried, every)
	}
	return len(c.photos) + len(writes) + len(checkpoint)
}

// from goes on from a point, if nobody has from one like it.
func (w *world) from(p photo, s scene, state string, tried map[string]bool, every bool) {
	if tried[state] && !every {
		return
	}
	tried[state] = true
	w.snapshot().goOn(p.lay(w.T), s)
	if w.Failed() {
		w.Fatalf("%s: it didn't end well", p.at)
	}
}

// lay puts the files of a point into a folder.
func (p *photo) lay(t *testing.T) string {
	folder := t.TempDir()
	for name, data := range map[string][]byte{"jobs.db": p.file, "jobs.db-wal": p.log} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// show is all that the store holds at a point; the file must be whole.
func (p *photo) show(t *testing.T) string {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.lay(t), "jobs.db")+"?_pragma=synchronous(off)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out strings.Builder
	each(t, db, `PRAGMA integrity_check`, func(cells []any) {
		if cells[0] != "ok" {
			t.Errorf("%s: integrity_check: %v", p.at, cells)
		}
	})
	var tables []string
	each(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`, func(cells []any) {
		tables = append(tables, cells[0].(string))
	})
	for _, table := range tables {
		each(t, db, `SELECT * FROM `+table+` ORDER BY 1`, func(cells []any) { fmt.Fprintf(&out, "%s %q\n", table, cells) })
	}
	return out.String()
}

func each(t *testing.T, db *sql.DB, query string, f func(cells []any)) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, _ := rows.Columns()
	for rows.Next() {
		cells, into := make([]any, len(names)), make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		f(cells)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	return &world{T: t, leases: map[string]*backends.Lease{}, effects: map[string]uint64{}}
}

// snapshot is w as it is now, without its store.
func (w *world) snapshot() *world {
	return &world{T: w.T, leases: maps.Clone(w.leases), effects: maps.Clone(w.effects)}
}

// opens opens a store whose statements are watched.
func (w *world) opens(folder string) *sql.DB {
	db, err := sql.Open("sqlite-watched", "file:"+filepath.Join(folder, "jobs.db"))
	w.must(err)
	b, err := sqlite.New(context.Background(), db, sqlite.Options{Synchronous: "off", Logger: slog.New(slog.DiscardHandler)})
	w.must(err)
	w.b = b
	return db
}

// goOn is another process after the crash: it repeats the step, and works until all is
// done.
func (w *world) goOn(folder string, s scene) {
	b := openIn(w.T, folder)
	w.b = b
	defer b.Close()
	if err := s.step(w, b); err != nil {
		w.Errorf("repeated: %v", err)
	}
	if _, err := b.Lookup(context.Background(), collation(true).Ref, 0); err == nil {
		w.must(enqueues(b, collation(true)))
	}
	for {
		leases := w.claims(b, 8, 45*time.Second)
		if len(leases) == 0 {
			break
		}
		for _, l := range leases {
			if l.Outcome == nil {
				w.must(w.succeed(b, l))
			}
			w.must(settles(b, l, backends.Settlement{Verb: backends.Announced}))
		}
	}
	w.judge()
}

func (w *world) list() []*backends.Record {
	page, err := operator(w.b).List(context.Background(), backends.ListRequest{Queue: crashQueue, AnyTenant: true})
	w.must(err)
	return page.Records
}

func (w *world) judge() {
	seen := map[backends.Ref]bool{}
	for _, r := range w.list() {
		token, told := w.effects[fmt.Sprint(r.Job.ID, " ", r.Generation)]
		switch {
		case seen[r.Job.Ref]:
			w.Errorf("duplicated: %s has two records", r.Job.ID)
		case !r.State.Ended() || r.Owes != 0:
			w.Errorf("stuck: %s is %v, owes %v", r.Job.ID, r.State, r.Owes)
		case told && r.State != backends.Succeeded:
			w.Errorf("lost: %s succeeded by token %d, and is %v", r.Job.ID, token, r.State)
		case r.State == backends.Succeeded && !bytes.Equal(r.Result, r.Job.Payload):
			w.Errorf("wrong: %s has the result %q", r.Job.ID, r.Result)
		case r.Batch != nil && (r.Batch.Ended != r.Batch.Members || r.Batch.Hold != 0):
			w.Errorf("wrong: %s counts %+v", r.Job.ID, *r.Batch)
		}
		seen[r.Job.Ref] = true
	}
	if got := sqlite.Waiting(w.b.(*sqlite.Backend)); got != 0 {
		w.Errorf("wrong: nothing waits, and %d are counted", got)
	}
}
