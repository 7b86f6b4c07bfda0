package inbox_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/inbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// origin is the queue that messages came from: it notes what it is asked.
type origin struct {
	broker.Transport
	acks, nacks, extends []string
	delays               []time.Duration
	sent                 int
	bad                  error
	closed               int
}

func (o *origin) Features() broker.TransportFeatures {
	return broker.TransportFeatures{Name: "origin", ClaimBatch: 10, MaxNack: time.Hour}
}

func (o *origin) Send(_ context.Context, ms []broker.Message) ([]error, error) {
	o.sent += len(ms)
	return nil, o.bad
}

func (o *origin) Ack(_ context.Context, ds []*broker.Delivery) ([]error, error) {
	return o.note(&o.acks, ds)
}

func (o *origin) Extend(_ context.Context, _ time.Duration, ds []*broker.Delivery) ([]error, error) {
	return o.note(&o.extends, ds)
}

func (o *origin) Nack(_ context.Context, ns []broker.Nack) ([]error, error) {
	var ds []*broker.Delivery
	for _, n := range ns {
		ds, o.delays = append(ds, n.Delivery), append(o.delays, n.Delay)
	}
	return o.note(&o.nacks, ds)
}

func (o *origin) Close() error { o.closed++; return nil }

func (o *origin) note(into *[]string, ds []*broker.Delivery) ([]error, error) {
	errs := make([]error, len(ds))
	for i, d := range ds {
		*into = append(*into, d.Handle.(string))
		errs[i] = o.bad
	}
	return errs, nil
}

// brought are messages "1", "2" … of these groups.
func brought(groups ...string) (all []inbox.Message) {
	for i, g := range groups {
		id := string(rune('1' + i))
		all = append(all, inbox.Message{Delivery: &broker.Delivery{ID: id, Handle: "handle " + id}, Group: g})
	}
	return all
}

// bench is a Transport, a batch in a context, and what is out of it.
type bench struct {
	*testing.T
	*inbox.Transport
	batch   *inbox.Batch
	ctx     context.Context
	settled int
	out     map[string]*broker.Delivery
}

func newBench(t *testing.T, queue broker.Transport, o inbox.Options, messages []inbox.Message) *bench {
	b := &bench{T: t, Transport: inbox.New(queue, broker.TransportFeatures{Name: "bare"}), out: map[string]*broker.Delivery{}}
	o.Settled = func() { b.settled++ }
	b.batch = inbox.NewBatch(messages, o)
	b.ctx = b.batch.Into(t.Context())
	return b
}

// receives holds what is there to receive now.
func (b *bench) receives(most int, want string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	ds, _ := b.Receive(ctx, most, time.Minute)
	got := ""
	for _, d := range ds {
		got += d.ID
		b.out[d.ID] = d
	}
	if got != want {
		b.Errorf("received %q, want %q", got, want)
	}
}

func (b *bench) ack(id string) error {
	errs, err := b.Ack(b.ctx, []*broker.Delivery{b.out[id]})
	return errors.Join(append(errs, err)...)
}

func (b *bench) nack(id string, d time.Duration) error {
	errs, err := b.Nack(b.ctx, []broker.Nack{{Delivery: b.out[id], Delay: d}})
	return errors.Join(append(errs, err)...)
}

func (b *bench) good(err error) {
	b.Helper()
	if err != nil {
		b.Error(err)
	}
}

// fates holds what became of each: U untouched, O out, B back, D done.
func (b *bench) fates(want string) inbox.Result {
	b.Helper()
	r := b.batch.Close()
	got := ""
	for _, m := range r.Messages {
		got += string("UOBD"[m.Fate])
	}
	if got != want {
		b.Errorf("fates %s, want %s", got, want)
	}
	return r
}

func play(t *testing.T, o inbox.Options, messages []inbox.Message, story func(*bench, *origin)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q := &origin{}
		story(newBench(t, q, o, messages), q)
	})
}

func TestMessagesAreHandedOutOnce(t *testing.T) {
	play(t, inbox.Options{}, brought("", "", ""), func(b *bench, _ *origin) {
		b.receives(2, "12")
		b.receives(2, "3")
		b.receives(2, "")
		b.good(b.ack("2"))
		b.good(b.nack("1", time.Minute))
		if b.settled != 0 || !b.batch.Empty() {
			t.Errorf("settled %d, empty %v", b.settled, b.batch.Empty())
		}
		b.good(b.ack("3"))
		if b.settled != 1 {
			t.Errorf("settled %d times", b.settled)
		}
		if r := b.fates("BDD"); r.Messages[0].Nack.Delay != time.Minute || !r.Asked {
			t.Errorf("%+v", r)
		}
	})
}

func TestTheSecondOfTwoWithOneIDIsTheFirst(t *testing.T) {
	twice := append(brought(""), brought("")...)
	play(t, inbox.Options{}, twice, func(b *bench, _ *origin) {
		b.receives(2, "1")
		b.good(b.ack("1"))
		b.fates("D")
	})
}

// A group's messages come one by one, and none after one that came back.
func TestOrderedBatch(t *testing.T) {
	play(t, inbox.Options{Ordered: true}, brought("a", "a", "b", "a", "b"), func(b *bench, _ *origin) {
		b.receives(9, "13")
		b.receives(9, "")
		b.good(b.ack("1"))
		b.receives(9, "2")
		b.good(b.nack("2", 0))
		b.receives(9, "")
		if !b.batch.Empty() {
			t.Error("there is nothing to hand out while b's is out")
		}
		b.good(b.ack("3"))
		b.receives(9, "5")
		if b.settled != 0 {
			t.Error("settled while one is out")
		}
		b.good(b.ack("5"))
		if b.settled != 1 {
			t.Error("not settled, though the rest of a's group stays")
		}
		r := b.fates("DBDUD")
		b.good(b.GiveBack(b.ctx, r))
	})
}

// Who leaves a context without a batch, or waits for a message, is woken in time.
func TestReceiveWaits(t *testing.T) {
	play(t, inbox.Options{Ordered: true}, brought("a", "a"), func(b *bench, q *origin) {
		b.receives(1, "1")
		got := make(chan int)
		go func() {
			ds, _ := b.Receive(b.ctx, 1, time.Minute)
			got <- len(ds)
		}()
		synctest.Wait()
		b.good(b.ack("1"))
		if n := <-got; n != 1 {
			t.Errorf("received %d", n)
		}
		ended := make(chan error)
		go func() {
			_, err := b.Receive(b.T.Context(), 1, time.Minute) // of no batch
			ended <- err
		}()
		synctest.Wait()
		b.good(b.Close())
		b.good(b.Close())
		if err := <-ended; err == nil {
			t.Error("no error after Close")
		}
		if q.closed != 1 {
			t.Errorf("the queue was closed %d times", q.closed)
		}
	})
}

func TestAcksDeleteOnlyWhereThatIsOurs(t *testing.T) {
	for _, remove := range []bool{false, true} {
		play(t, inbox.Options{Remove: remove}, brought("", ""), func(b *bench, q *origin) {
			b.receives(2, "12")
			b.good(b.ack("1"))
			if deleted := len(q.acks) == 1; deleted != remove {
				t.Errorf("deleted: %v, ours to do: %v", q.acks, remove)
			}
			q.bad = errors.New("denied")
			b.good(b.ack("2"))
			want := "DD"
			if remove {
				want = "DB" // it comes again
			}
			if r := b.fates(want); (r.Trouble != nil) != remove {
				t.Errorf("trouble: %v", r.Trouble)
			}
		})
	}
}

// What the queue refuses doesn't keep a message from coming again.
func TestNackOutlivesTheQueue(t *testing.T) {
	play(t, inbox.Options{}, brought(""), func(b *bench, q *origin) {
		b.receives(1, "1")
		q.bad = errors.New("denied")
		b.good(b.nack("1", time.Minute))
		if r := b.fates("B"); !errors.Is(r.Trouble, q.bad) || q.delays[0] != time.Minute {
			t.Errorf("trouble %v, delays %v", r.Trouble, q.delays)
		}
	})
}

// Once a batch is closed its answer has left: what is settled later would make it a lie.
func TestClosedBatchIsLost(t *testing.T) {
	play(t, inbox.Options{Remove: true}, brought("", "", ""), func(b *bench, q *origin) {
		b.receives(2, "12")
		r := b.fates("OOU")
		for _, err := range []error{b.ack("1"), b.nack("2", 0)} {
			if !errors.Is(err, backends.ErrLost) {
				t.Errorf("settled after the end: %v", err)
			}
		}
		if errs, _ := b.Extend(b.ctx, time.Minute, []*broker.Delivery{b.out["1"]}); !errors.Is(errs[0], backends.ErrLost) {
			t.Errorf("extended after the end: %v", errs)
		}
		b.receives(2, "")
		b.good(b.GiveBack(b.ctx, r))
		if len(q.acks) > 0 || len(q.nacks) != 1 || q.nacks[0] != "handle 3" || q.delays[0] != 0 {
			t.Errorf("acks %v, nacks %v", q.acks, q.nacks)
		}
		if b.settled != 0 {
			t.Error("settled")
		}
	})
}

func TestWithoutAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, inbox.Options{Remove: true}, brought("", "", ""))
		b.receives(2, "12")
		b.good(b.ack("1"))
		b.good(b.nack("2", time.Minute))
		if errs, err := b.Extend(b.ctx, time.Minute, []*broker.Delivery{b.out["1"]}); err != nil || errs[0] != nil {
			t.Error(errs, err)
		}
		if _, err := b.Send(t.Context(), []broker.Message{{}}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("sent: %v", err)
		}
		b.good(b.GiveBack(b.ctx, b.fates("DBU")))
		b.good(b.Close())
		if b.Features().Name != "bare" {
			t.Error(b.Features())
		}
	})
}

func TestFeaturesAreTheQueues(t *testing.T) {
	f := inbox.New(&origin{}, broker.TransportFeatures{Name: "bare"}).Features()
	if f.Name != "origin" || f.ClaimBatch != 0 || f.MaxNack != time.Hour {
		t.Errorf("%+v", f)
	}
}
