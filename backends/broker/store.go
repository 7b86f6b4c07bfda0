package broker

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/leat-go/leat/backends"
)

// tries bounds how often one call looks again after somebody else wrote.
const tries = 32

var errBusy = errors.New("record changes too often: try again")

// load reads a record, nil if there is none.
func (b *Backend) load(ctx context.Context, key string, hint backends.Version) (*record, backends.Version, error) {
	raw, v, err := b.records.Get(ctx, key, hint)
	if err != nil || v == "" {
		return nil, "", err
	}
	r, err := decodeRecord(raw)
	return r, v, err
}

// put writes the step from r to next, if the table of transitions has it and
// nobody wrote in between.
func (b *Backend) put(ctx context.Context, r, next *record, prev backends.Version) (backends.Version, error) {
	if err := backends.Legal(r.Life, next.Life); err != nil {
		return "", err
	}
	key := recordKey(next.ref())
	raw := next.encode()
	if len(raw) > backends.MaxRecord {
		return "", backends.ErrTooLarge
	}
	v, err := b.records.Put(ctx, key, raw, prev, b.expiry(next))
	if err == nil && next.Seq != r.Seq {
		b.lookout.Tell(key)
	}
	return v, err
}

// expiry is until when the record stays in the store. An ended one has to be
// found by whatever message of it is still in the queue, for whatever its owner
// wants callers to see.
func (b *Backend) expiry(r *record) time.Time {
	if r.Gone == 0 || r.Redriven != 0 {
		return time.Time{}
	}
	return at(max(r.Gone, r.Ended+int64(b.retention())))
}

// change steps a record until its write meets no conflict, and returns it as it is
// then. A nil next changes nothing. What the step leaves owed is the caller's to have
// announced.
func (b *Backend) change(ctx context.Context, key string, step func(*record) (*record, error)) (*record, error) {
	for range tries {
		r, v, err := b.load(ctx, key, "")
		if err != nil {
			return nil, err
		}
		if !r.visible(time.Now().UnixNano()) {
			return nil, backends.ErrNotFound
		}
		next, told := step(r)
		if next == nil {
			return r, told
		}
		if _, err = b.put(ctx, r, next, v); err == nil {
			return next, told
		}
		if !errors.Is(err, backends.ErrConflict) {
			return nil, err
		}
	}
	return nil, errBusy
}

// soon is how long an end may wait to be announced by the message that its job has
// in the queue.
const soon = 5 * time.Second

// farAway reports whether the job's own message doesn't come soon.
func (r *record) farAway() bool {
	return r.Life.Held() || r.Life.Place > time.Now().Add(soon).UnixNano()
}

// owing says that it has ended and its event has not left.
func (r *record) owing() bool { return r.Life.State.Ended() && r.Life.Due != 0 }

// wake sends a message that has a claim announce the end.
func (b *Backend) wake(ctx context.Context, r *record) error {
	m := r.message(nil)
	m.Wake, m.Text, m.Bytes, m.Due, m.Deadline = true, nil, nil, time.Now().UnixNano(), 0
	return b.send(ctx, m)
}

// send sends one message, to come when somebody should look at it, as far as the
// broker can hold it back.
func (b *Backend) send(ctx context.Context, m *envelope) error {
	errs, err := b.transport.Send(ctx, []Message{b.outgoing(m)})
	return oneOf(errs, err, 0)
}

func (b *Backend) outgoing(m *envelope) Message {
	delay := time.Duration(max(0, m.at()-time.Now().UnixNano()))
	return Message{
		Body: m.encode(), Group: b.group(m), Dedup: m.dedup(),
		Delay: min(delay, b.facts.MaxDelay),
	}
}

// group keeps a collation by itself: on a FIFO queue it would stand in front of
// the members that it waits for. So does what wakes an announcer: the job's own
// message may stand there for days.
func (b *Backend) group(m *envelope) string {
	switch {
	case m.Wake || m.Job.Batch != nil && m.Job.Batch.Hold > 0:
		return hashed("group of one", m.Job.Tenant, m.Job.ID, strconv.FormatBool(m.Wake))
	case b.opts.Group != nil:
		return hashed("group", b.opts.Group(m.Job.job(nil)))
	}
	return hashed("group", m.Job.Tenant)
}
