//go:build unix

package processes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/worker"
)

const (
	capLease    = time.Second // longer than any job of the row takes
	smallDB     = "the small database"
	capTenants  = 4
	capPerQueue = 16 // slots of each queue in each process
)

// capped are the limits on which all processes of the row agree, by what they hold: the
// first queue is short of slots, the second of rate, and both of the database.
var capped = map[string]queue.Cap{
	"queue whatif":  {InFlight: 8},
	"tenant whatif": {InFlight: 3},
	"queue other":   {InFlight: 9, Rate: 50, Burst: 5},
	"tenant other":  {Rate: 15, Burst: 3},
	"resource":      {InFlight: 5, Rate: 40, Burst: 4},
}

var cappedQueues = []string{queueName, "other"}

func cappedQueue(b backends.Backend, name string) *queue.Queue[Args, Result] {
	q := queue.New[Args, Result](b, name)
	q.MaxCrashes, q.Retention = 1000, -1
	q.Cap, q.Tenant.Cap = capped["queue "+name], capped["tenant "+name]
	return q
}

// workCapped is a process that works both queues until it is told to stop.
func workCapped(ctx context.Context, p Plan) error {
	o, err := open(p)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(p.Folder, p.Name+".claims"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	var all []worker.Runner
	for _, name := range cappedQueues {
		w := worker.New(cappedQueue(&sampler{o.store, log}, name), func(_ context.Context, j *queue.Job[Args]) (Result, error) {
			time.Sleep(5*time.Millisecond + rand.N(45*time.Millisecond))
			return right(j.Args.N), nil
		})
		w.Lease, w.Concurrency = p.Lease, p.Slots
		w.Resources = []queue.Resource{{Name: smallDB, Cap: capped["resource"]}}
		w.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
		all = append(all, w)
	}
	return errors.Join(worker.Run(ctx, all...), o.Close())
}

// sampler writes down when each lease was surely held: from when the claim had returned
// until a settlement was asked for. What the store did lies outside of that.
type sampler struct {
	backends.Backend
	log io.Writer
}

func (s *sampler) Unwrap() backends.Backend { return s.Backend }

func (s *sampler) Claim(ctx context.Context, req backends.ClaimRequest) ([]*backends.Lease, error) {
	leases, err := s.Backend.Claim(ctx, req)
	now := time.Now().UnixNano()
	var lines []byte
	for _, l := range leases {
		lines = fmt.Appendf(lines, "claim %s %d %s %s %q %d %d\n", l.Job.ID, l.Token, l.Queue, l.Job.Tenant, l.Job.Resource, now, l.Until.UnixNano())
	}
	_, err1 := s.log.Write(lines)
	return leases, errors.Join(err, err1)
}

func (s *sampler) Settle(ctx context.Context, ss []backends.Settlement) ([]error, error) {
	now := time.Now().UnixNano()
	var lines []byte
	for _, x := range ss {
		lines = fmt.Appendf(lines, "settle %s %d %d\n", x.Lease.Job.ID, x.Lease.Token, now)
	}
	if _, err := s.log.Write(lines); err != nil {
		return nil, err
	}
	return s.Backend.Settle(ctx, ss)
}

// TestCapsAcrossProcesses_R11 lets two processes on one file work two queues that share
// a database, and kills them in turn, for LEAT_CAPS seconds. At each claim of either,
// as many are in flight as the caps of queue, tenant and resource allow, at most; in any
// window there are rate × window + burst claims, at most.
func TestCapsAcrossProcesses_R11(t *testing.T) {
	seconds := plant.Size("LEAT_CAPS", 2, 3)
	folder := t.TempDir()
	plan := Plan{Part: "capped", Folder: folder, Lease: capLease, Slots: capPerQueue}
	fillCapped(t, plan, seconds)
	var running [2]*process
	starts, kills := 0, 0
	begin := func(i int) {
		starts++
		plan.Name = fmt.Sprintf("capped-%d", starts)
		running[i] = start(t, plan, func(string) {})
	}
	begin(0)
	begin(1)
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
		time.Sleep(200*time.Millisecond + rand.N(800*time.Millisecond))
		i := rand.IntN(2)
		running[i].kill()
		kills++
		begin(i)
	}
	for _, p := range running {
		p.stop()
	}
	claims := readClaims(t, folder)
	t.Logf("%d claims by %d processes, of which %d were killed", len(claims), starts, kills)
	judgeCaps(t, claims)
}

// fillCapped enqueues more than will be worked. Half of it uses the database.
func fillCapped(t *testing.T, p Plan, seconds int) {
	t.Helper()
	o := look(t, p)
	defer o.Close()
	for i, name := range cappedQueues {
		q := cappedQueue(o.store, name)
		var items []queue.Item[Args]
		for n := range []int{500, 100}[i] * (seconds + 2) {
			options := []queue.Option{queue.Tenant(fmt.Sprint("t", n%capTenants))}
			if n/capTenants%2 == 0 {
				options = append(options, queue.Uses(smallDB))
			}
			items = append(items, queue.With(Args{N: n}, options...))
		}
		for some := range slices.Chunk(items, 1000) {
			if _, err := q.EnqueueAll(t.Context(), some); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// claimed is one claim as a process wrote it down.
type claimed struct {
	id               string
	token            uint64
	queue, tenant    string
	resource         string
	at               int64 // of the store's clock
	returned, settle int64 // surely held in between; settle = end of the lease if nobody settled
}

func readClaims(t *testing.T, folder string) (all []*claimed) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(folder, "*.claims"))
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		mine := map[string]*claimed{}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			c := &claimed{}
			var until, settle int64
			if n, _ := fmt.Sscanf(lines.Text(), "claim %s %d %s %s %q %d %d", &c.id, &c.token, &c.queue, &c.tenant, &c.resource, &c.returned, &until); n == 7 {
				c.at, c.settle = until-int64(capLease), until
				mine[fmt.Sprint(c.id, c.token)] = c
				all = append(all, c)
			} else if n, _ := fmt.Sscanf(lines.Text(), "settle %s %d %d", &c.id, &c.token, &settle); n == 3 {
				if c := mine[fmt.Sprint(c.id, c.token)]; c != nil {
					c.settle = min(c.settle, settle)
				}
			}
		}
		f.Close()
	}
	return all
}

// judgeCaps holds the claims against each cap.
func judgeCaps(t *testing.T, all []*claimed) {
	t.Helper()
	under := map[string][]*claimed{}
	caps := map[string]queue.Cap{}
	for _, c := range all {
		for name, limit := range map[string]string{
			"queue " + c.queue: "queue " + c.queue, "tenant " + c.queue + " " + c.tenant: "tenant " + c.queue,
		} {
			under[name], caps[name] = append(under[name], c), capped[limit]
		}
		if c.resource != "" {
			under["resource"], caps["resource"] = append(under["resource"], c), capped["resource"]
		}
	}
	if len(under) != 2+2*capTenants+1 {
		t.Errorf("claims under %d caps", len(under))
	}
	for name, cs := range under {
		c := caps[name]
		most := mostAtOnce(cs)
		t.Logf("%s: %d claims, at most %d in flight of %d, rate %v", name, len(cs), most, c.InFlight, c.Rate)
		if c.InFlight > 0 && most > c.InFlight {
			t.Errorf("%s: %d in flight, its cap is %d", name, most, c.InFlight)
		}
		if err := tooFast(cs, c); c.Rate > 0 && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if most := mostAtOnce(under["queue whatif"]); most < capped["queue whatif"].InFlight {
		t.Errorf("only %d in flight: the cap was never put to the test", most)
	}
}

// mostAtOnce is how many were surely held at a time.
func mostAtOnce(cs []*claimed) (most int) {
	type event struct {
		at   int64
		step int
	}
	var events []event
	for _, c := range cs {
		if c.settle > c.returned {
			events = append(events, event{c.returned, 1}, event{c.settle, -1})
		}
	}
	slices.SortFunc(events, func(a, b event) int {
		if a.at != b.at {
			return int(min(1, max(-1, a.at-b.at)))
		}
		return a.step - b.step
	})
	n := 0
	for _, e := range events {
		n += e.step
		most = max(most, n)
	}
	return most
}

// tooFast looks at all windows that begin and end with a claim.
func tooFast(cs []*claimed, c queue.Cap) error {
	slices.SortFunc(cs, func(a, b *claimed) int { return int(min(1, max(-1, a.at-b.at))) })
	rate, burst := c.Bucket()
	for i := range cs {
		for j := i; j < len(cs); j++ {
			window := float64(cs[j].at-cs[i].at) / 1e9
			if n := float64(j - i + 1); n > rate*window+burst+0.001 {
				return fmt.Errorf("%v claims within %.4f s, %.3f are allowed", n, window, rate*window+burst)
			}
		}
	}
	return nil
}

// The judges see what they are to see.
func TestCapsAcrossProcesses_R11_NoticesWhatIsTooMuch(t *testing.T) {
	held := []*claimed{{returned: 1, settle: 5}, {returned: 5, settle: 9}, {returned: 4, settle: 6}, {returned: 9, settle: 9}}
	if most := mostAtOnce(held); most != 2 {
		t.Errorf("%d at once, want 2", most)
	}
	const s = int64(time.Second)
	for _, c := range []struct {
		claims []int64
		bad    bool
	}{
		{[]int64{0, 0, s, 2 * s, 3 * s}, false},
		{[]int64{0, 0, s, 2*s - s/100}, true},
		{[]int64{9 * s, 9 * s, 9 * s}, true},
	} {
		var cs []*claimed
		for _, at := range c.claims {
			cs = append(cs, &claimed{at: at})
		}
		if err := tooFast(cs, queue.Cap{Rate: 1, Burst: 2}); err != nil != c.bad {
			t.Errorf("claims at %v, two at once and one a second: %v", c.claims, err)
		}
	}
}
