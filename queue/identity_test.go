package queue_test

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
)

// A hundred equal requests at once, of several programs on a store that nobody
// used before, are one job, and all get its id.
func TestRule_R2_EqualRequestsAtOnceAreOneJob(t *testing.T) {
	const programs, requests = 5, 100
	b := store()
	var queues [programs]*whatIf
	for i := range queues {
		queues[i] = newWhatIf(b.Again())
	}
	tickets := make([]queue.Ticket, requests)
	var wg sync.WaitGroup
	for i := range tickets {
		wg.Go(func() {
			tickets[i], _ = queues[i%programs].Enqueue(t.Context(), ask, queue.Tenant("zeta"), queue.Key("req-42"))
		})
	}
	wg.Wait()
	first := 0
	for _, ticket := range tickets {
		if ticket.ID == "" || ticket.Ref != tickets[0].Ref || ticket.Order != tickets[0].Order {
			t.Fatalf("%+v and %+v", tickets[0], ticket)
		}
		if !ticket.Duplicate {
			first++
		}
	}
	if first != 1 {
		t.Errorf("%d were told that theirs was the first", first)
	}
	queued(t, queues[0], 1)
}

// The parts of an identity are framed: what reads the same in a row isn't the same.
func TestRule_R2_AnotherTenantQueueOrKeyIsAnotherJob(t *testing.T) {
	b := store()
	seen := map[string][3]string{}
	for _, c := range [][3]string{
		{"whatif", "a", "bc"},
		{"whatif", "ab", "c"},
		{"whatif", "", "abc"},
		{"whatif", "abc", "a"},
		{"whatifa", "b", "c"},
		{"what", "if", "abc"},
		{"whatif", "a", "bd"},
		{"whatif", "A", "bc"},
		{"whatif", "a", "bc\x00"},
		{"whatif", "a", "b\xffc"},
		{"whatif", "å", "bc"},
		{"whatif", "a\u030a", "bc"}, // the same letter, in two
	} {
		q := queue.New[settings, plan](b, c[0])
		ticket := enqueue(t, q, ask, queue.Tenant(c[1]), queue.Key(c[2]))
		if other, taken := seen[ticket.ID]; taken || ticket.Duplicate {
			t.Errorf("%q is taken for %q", c, other)
		}
		seen[ticket.ID] = c
		if again := enqueue(t, q, ask, queue.Tenant(c[1]), queue.Key(c[2])); again.ID != ticket.ID || !again.Duplicate {
			t.Errorf("%q again: %+v", c, again)
		}
	}
}

func TestRule_R2_WithoutKeyTheIDIsARandomUUID(t *testing.T) {
	q := newWhatIf(store())
	ids := make([]string, 2000)
	for i := range ids {
		ids[i] = enqueue(t, q, ask, queue.Key("")).ID
		id, err := uuid.Parse(ids[i])
		if err != nil || id.Version() != 4 || id.Variant() != uuid.RFC4122 || id.String() != ids[i] {
			t.Fatalf("%s: %v, version %v, %v", ids[i], err, id.Version(), id.Variant())
		}
	}
	tellNoOrder(t, ids)
	queued(t, q, len(ids))
}

// An id shows nothing of its key, nor when it was made; only who can read the
// store's secret can find it from the key.
func TestRule_R2_KeyedIDsTellNothing(t *testing.T) {
	alphabet := regexp.MustCompile("^[a-z2-7]{32}$")
	q, other := newWhatIf(store()), newWhatIf(store())
	ids := make([]string, 2000)
	for i := range ids {
		key := queue.Key(strconv.Itoa(i))
		ids[i] = enqueue(t, q, ask, queue.Tenant("zeta"), key).ID
		if !alphabet.MatchString(ids[i]) {
			t.Fatalf("id %q", ids[i])
		}
		if i < 10 && enqueue(t, other, ask, queue.Tenant("zeta"), key).ID == ids[i] {
			t.Error("two stores give a key the same id")
		}
	}
	tellNoOrder(t, ids)
}

func TestRule_R2_AKeyWithOtherArgsIsRefused(t *testing.T) {
	b := store()
	q := newWhatIf(b)
	first := enqueue(t, q, ask, queue.Key("req-42"))

	got, err := q.Enqueue(t.Context(), settings{"zeta", "22424"}, queue.Key("req-42"))
	matches(t, "other args", err, queue.ErrKeyReused)
	if got.Ref != first.Ref {
		t.Errorf("the ticket of a reused key is of %v, want %v", got.Ref, first.Ref)
	}
	_, err = queue.View[settings, plan](q, "other").Enqueue(t.Context(), ask, queue.Key("req-42"))
	matches(t, "another kind", err, queue.ErrKeyReused)

	newer := newWhatIf(b)
	newer.Schema = 2
	got, err = newer.Enqueue(t.Context(), ask, queue.Key("req-42"))
	matches(t, "the same bytes of a newer program", err)
	if got.Ref != first.Ref || !got.Duplicate {
		t.Errorf("the same bytes of a newer program: %+v", got)
	}
	queued(t, q, 1)
}

// The key is held until the retention ends, whatever became of the job.
func TestRule_R2_AKeyIsHeldUntilRetentionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newWhatIf(store())
		q.Retention = time.Hour
		first := enqueue(t, q, ask, queue.Key("req-42"))
		settle(t, q, backends.Settlement{Lease: lease(t, q), Verb: backends.Commit, Outcome: queue.Succeeded})
		time.Sleep(time.Hour - time.Second)
		if again := enqueue(t, q, ask, queue.Key("req-42")); !again.Duplicate {
			t.Errorf("before retention ended: %+v", again)
		}
		time.Sleep(2 * time.Second)
		again := enqueue(t, q, settings{"zeta", "another"}, queue.Key("req-42"))
		if again.Duplicate || again.Ref != first.Ref {
			t.Errorf("after retention ended: %+v", again)
		}
	})
}

func TestRule_R2_KeyNeedsRecordsAndCells(t *testing.T) {
	for name, b := range map[string]backends.Backend{
		"no records": featured{store(), func(f *backends.Features) { f.Records = false }},
		"no cells":   noCells{bare{store()}},
	} {
		s := &spy{Backend: b}
		q := newWhatIf(s)
		_, err := q.Enqueue(t.Context(), ask, queue.Key("req-42"))
		matches(t, name, err, errors.ErrUnsupported)
		if want := "queue: enqueue: Key on memory: unsupported operation"; err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		if s.count() != 0 {
			t.Errorf("%s: the job was sent", name)
		}
		matches(t, name+", without a key", second(q.Enqueue(t.Context(), ask)))
	}
}

// The instance key is made once, through whatever goes wrong on the way.
func TestRule_R2_TheInstanceKeySurvivesFaults(t *testing.T) {
	for name, fault := range map[string]backendtest.Fault{
		"reads fail":              {Verb: backendtest.CellGet, Rate: backendtest.Times(3)},
		"replies of reads lost":   {Verb: backendtest.CellGet, When: backendtest.After, Rate: backendtest.Times(3)},
		"writes fail":             {Verb: backendtest.CellPut, Rate: backendtest.Times(3)},
		"replies of writes lost":  {Verb: backendtest.CellPut, When: backendtest.After},
		"a client writes twice":   {Verb: backendtest.CellPut, Kind: backendtest.Repeat},
		"every second read fails": {Verb: backendtest.CellGet, Rate: backendtest.Every(2)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := store()
				first := enqueue(t, newWhatIf(backendtest.NewFaulty(b, fault)), ask, queue.Key("req-42"))
				again := enqueue(t, newWhatIf(b), ask, queue.Key("req-42"))
				if again.Ref != first.Ref || !again.Duplicate {
					t.Errorf("another program gets %+v, not %+v", again, first)
				}
			})
		})
	}
}

func TestRule_R2_WithoutInstanceKeyNothingIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, v := range []backendtest.Verb{backendtest.CellGet, backendtest.CellPut} {
			b := store()
			faulty := backendtest.NewFaulty(b, backendtest.Fault{Verb: v})
			ticket, err := newWhatIf(faulty).Enqueue(t.Context(), ask, queue.Key("req-42"))
			matches(t, v.String(), err, backendtest.ErrInjected)
			if !ticket.IsZero() || faulty.Injected(v) != 4 {
				t.Errorf("%v: ticket %+v after %d tries", v, ticket, faulty.Injected(v))
			}
			queued(t, newWhatIf(b), 0)
		}

		b := store()
		if _, err := b.Cells().Put(t.Context(), "leat/instance-key", []byte("short"), "", time.Time{}); err != nil {
			t.Fatal(err)
		}
		_, err := newWhatIf(b).Enqueue(t.Context(), ask, queue.Key("req-42"))
		if want := "queue: enqueue: instance key: cell leat/instance-key has 5 bytes, not 32"; err == nil || err.Error() != want {
			t.Errorf("a damaged cell: %v, want %s", err, want)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		q := newWhatIf(backendtest.NewFaulty(store(), backendtest.Fault{Verb: backendtest.CellGet}))
		_, err = q.Enqueue(ctx, ask, queue.Key("req-42"))
		matches(t, "context ends", err, backendtest.ErrInjected, context.DeadlineExceeded)
	})
}

// A job without a key is nobody's duplicate, though the first reply was lost, or a
// client library asked twice.
func TestRule_R2_ARepeatedCallIsNoDuplicateOfItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fault := range []backendtest.Fault{
			{Verb: backendtest.Enqueue, When: backendtest.After, Rate: backendtest.Times(1)},
			{Verb: backendtest.Enqueue, Kind: backendtest.Repeat},
		} {
			q := newWhatIf(backendtest.NewFaulty(store(), fault))
			if ticket := enqueue(t, q, ask); ticket.Duplicate {
				t.Errorf("%+v: %+v", fault, ticket)
			}
			queued(t, q, 1)
		}
	})
}
