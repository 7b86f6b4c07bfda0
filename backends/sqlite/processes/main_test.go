//go:build unix

// Package processes has the rows of the test plan that need real processes on one
// file: they are killed, frozen and stopped, and nothing that was acknowledged may be
// gone or done twice. A row starts its own test binary again, once per process, with a
// plan in the environment that says which part to play.
package processes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/sqlite"
	"github.com/leat-go/leat/queue"
)

// Plan is what one process is to do.
type Plan struct {
	Part   string // by name, see parts
	Name   string // of the process; no two starts share one
	Folder string

	Jobs, Block     int           // producer: how many must be acknowledged, and how many at a time
	Lease           time.Duration // worker
	Slots           int           // worker
	Grace           time.Duration // holder
	MaxCrashes      int           // of the queue
	Backlog, Sample int           // load
	Takes           time.Duration // what a handler takes
	Killers         int           // jobs up to this number kill their process
	Rich            bool          // tenants, limits, events, delays, priorities and retries
}

const planVariable = "LEAT_PLAN"

// parts are what a process can play.
var parts = map[string]func(ctx context.Context, p Plan) error{
	"producer":   produce,
	"worker":     work,
	"holder":     hold,
	"load":       load,
	"trespasser": trespass,
	"opener":     justOpen,
	"capped":     workCapped,
}

func TestMain(m *testing.M) {
	text := os.Getenv(planVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var p Plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		fail(err)
	}
	go func() { // nobody outlives the row
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := parts[p.Part](ctx, p); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Args say which job it is, Result is a function of them.
type (
	Args struct {
		N       int
		Ballast string `json:",omitempty"`
	}
	Result struct {
		N     int
		Value uint64
		By    string `json:",omitempty"`
	}
)

// right is the result of job n.
func right(n int) Result {
	h := uint64(14695981039346656037)
	for i := range 8 {
		h = (h ^ uint64(n>>(8*i))&0xff) * 1099511628211
	}
	return Result{N: n, Value: h}
}

func file(folder string) string { return filepath.Join(folder, "jobs.db") }

const queueName = "whatif"

// open opens the queue as every process of a row does, with a witness around the store.
func open(p Plan) (*opened, error) {
	b, err := backends.Open(context.Background(), "sqlite://"+file(p.Folder))
	if err != nil {
		return nil, err
	}
	effects, err := os.OpenFile(filepath.Join(p.Folder, p.Name+".effects"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	q := agreed(&witness{Backend: b, effects: effects}, p)
	if p.Rich {
		events, err := os.OpenFile(filepath.Join(p.Folder, p.Name+".events"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		q.Announce = ledger{events}
	}
	return q, nil
}

// ledger is a topic that writes down what it hears.
type ledger struct{ io.Writer }

func (l ledger) Announce(_ context.Context, events []queue.Event) []error {
	var lines []byte
	for _, e := range events {
		lines = fmt.Appendf(lines, "%s %s\n", e.Ref.ID, e.State)
	}
	if _, err := l.Write(lines); err != nil {
		return slices.Repeat([]error{err}, len(events))
	}
	return nil
}

// agreed is the queue with the facts on which all processes of a row agree.
func agreed(b backends.Backend, p Plan) *opened {
	q := queue.New[Args, Result](b, queueName)
	q.MaxCrashes = p.MaxCrashes
	q.Retention, q.DeadRetention = 365*24*time.Hour, 365*24*time.Hour
	if p.Rich {
		q.Announce = queue.Elsewhere
		q.Backlog, q.Cap.InFlight = 1<<20, 400
		q.Tenant = queue.Tenancy{Weight: 2, Backlog: 1 << 20, Cap: queue.Cap{InFlight: 150}}
	}
	return &opened{q, b}
}

// opened is a queue whose store is closed with it.
type opened struct {
	*queue.Queue[Args, Result]
	store backends.Backend
}

func (o *opened) Close() error { return o.store.Close() }

// witness writes down what the store has acknowledged to a process, a line each.
type witness struct {
	backends.Backend
	effects io.Writer
}

func (w *witness) Unwrap() backends.Backend { return w.Backend }

func (w *witness) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	errs, err := w.Backend.Settle(ctx, ss)
	if err != nil {
		return errs, err
	}
	lines := make([]byte, 0, 32*len(ss))
	for i, s := range ss {
		if answer := item(errs, i); s.Verb == backends.Commit {
			lines = fmt.Appendf(lines, "%s %s %d %s %q\n", s.Lease.Job.ID, s.Outcome, s.Lease.Token, word(answer), s.Error)
		}
	}
	_, err = w.effects.Write(lines)
	return errs, err
}

func (w *witness) Extend(ctx context.Context, d time.Duration, beats []backends.Beat) ([]error, error) {
	errs, err := w.Backend.Extend(ctx, d, beats)
	for i := range errs {
		if errs[i] != nil {
			_, err1 := fmt.Fprintf(w.effects, "%s extend %d %s\n", beats[i].Lease.Job.ID, beats[i].Lease.Token, word(errs[i]))
			err = errors.Join(err, err1)
		}
	}
	return errs, err
}

func item(errs []error, i int) error {
	if errs == nil {
		return nil
	}
	return errs[i]
}

// word is an answer in one word.
func word(err error) string {
	switch err {
	case nil:
		return "done"
	case backends.ErrLost:
		return "lost"
	}
	return strings.ReplaceAll(err.Error(), " ", "-")
}

// process is one that was started.
type process struct {
	t     *testing.T
	plan  Plan
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}
	err   error // once it has ended
}

// start starts a process; hear gets what it says, line by line.
func start(t *testing.T, p Plan, hear func(line string)) *process {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), planVariable+"="+string(text))
	stderr, err := os.Create(filepath.Join(p.Folder, p.Name+".stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pr := &process{t: t, plan: p, cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			hear(lines.Text())
		}
		pr.err = cmd.Wait()
		close(pr.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-pr.ended
		if text, err := os.ReadFile(stderr.Name()); err == nil && t.Failed() && len(text) > 0 {
			t.Logf("%s said:\n%s", p.Name, text[:min(len(text), 2000)])
		}
	})
	return pr
}

func (p *process) send(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("%s: %v", p.plan.Name, err)
	}
}

// kill sends SIGKILL and waits for the end.
func (p *process) kill() {
	p.send(syscall.SIGKILL)
	<-p.ended
}

// stop sends SIGTERM, and expects a good end.
func (p *process) stop() {
	p.t.Helper()
	p.send(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(60 * time.Second):
		p.t.Fatalf("%s doesn't stop", p.plan.Name)
	}
	if state := p.cmd.ProcessState.Sys().(syscall.WaitStatus); state.Signaled() && state.Signal() == syscall.SIGTERM {
		return // it had only just begun, and didn't listen yet
	}
	if p.err != nil {
		p.t.Errorf("%s: %v", p.plan.Name, p.err)
	}
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// effect is one answer of the store that a process wrote down.
type effect struct {
	id, what, answer string
	token            uint64
}

// effects calls f for what the processes whose names match wrote down.
func effects(t *testing.T, folder, names string, f func(e effect)) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(folder, names+".effects"))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var e effect
			if n, _ := fmt.Sscan(line, &e.id, &e.what, &e.token, &e.answer); n == 4 {
				f(e)
			}
		}
	}
}

// until waits for what processes will do.
func until(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v not yet: %s", limit, what)
		}
	}
}

// look opens the store for the row itself, which closes it.
func look(t *testing.T, p Plan) *opened {
	t.Helper()
	b, err := sqlite.Open(t.Context(), file(p.Folder), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return agreed(b, p)
}

// say tells the row something; lines don't mix.
func say(format string, args ...any) {
	speech.Lock()
	defer speech.Unlock()
	fmt.Printf(format+"\n", args...)
}

var speech sync.Mutex
