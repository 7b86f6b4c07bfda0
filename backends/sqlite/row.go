package sqlite

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leat-go/leat/backends"
)

// row is one row of leat_jobs.
type row struct {
	seq   int64 // Order
	class *line // the line of its kind and resource
	ref   backends.Ref
	rank  int64

	stand int64 // a line, or one of the rooms
	at    int64
	life  backends.Life
	// stranger: leased to a worker that doesn't know its kind.
	stranger bool

	version  int64
	created  int64
	deadline int64
	ended    int64

	supersede string
	member    string
	spec      spec
	more      more
	payload   []byte
	result    []byte

	spread int // txn.spread when it was read
}

// The rooms: where a job stands that can't be claimed now. Lines have numbers above 0;
// leat_jobs.room has those of rooms without the sign.
const (
	nowhere = 0 // it waits for other jobs
	later   = -1
	leased  = -2
	ended   = -3
	buried  = -4
)

// spec is what a producer says of few jobs.
type spec struct {
	Fingerprint uint64            `json:"fingerprint,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Due         int64             `json:"due,omitempty"`
	Delay       time.Duration     `json:"delay,omitempty"`
	Expiry      time.Duration     `json:"expiry,omitempty"`
	RunLimit    time.Duration     `json:"run_limit,omitempty"`
	MaxAttempts int32             `json:"max_attempts,omitempty"`
	Trailing    bool              `json:"trailing,omitempty"`
	Batch       *backends.Batch   `json:"batch,omitempty"`
}

// more is what few records have.
type more struct {
	Percent      float64            `json:"percent,omitempty"`
	Text         string             `json:"text,omitempty"`
	Stored       string             `json:"stored,omitempty"`
	Reason       string             `json:"reason,omitempty"`
	Failures     []backends.Failure `json:"failures,omitempty"`
	SupersededBy string             `json:"superseded_by,omitempty"`
	Batch        *backends.Tally    `json:"batch,omitempty"`
}

func (m *more) empty() bool {
	return m.Percent == 0 && m.Text == "" && m.Stored == "" && m.Reason == "" && m.Failures == nil && m.SupersededBy == "" && m.Batch == nil
}

// columns are all of a row but payload and result.
const columns = `seq, class, tenant, id, rank, coalesce(line, -room), place, at, state, flags, attempt, crashes, generation, token, ` +
	`version, created, deadline, ended, supersede, member, spec, more`

// scan reads a row; the bodies come after the columns, where asked for.
func (c *catalog) scan(ctx context.Context, s *session, scan func(...any) error, bodies bool) (*row, error) {
	var r row
	var class, state, flags, attempt, crashes, token int64
	var stand *int64
	var supersede, member, spec, more *string
	into := [...]any{
		&r.seq, &class, &r.ref.Tenant, &r.ref.ID, &r.rank, &stand, &r.life.Place, &r.at, &state, &flags,
		&attempt, &crashes, &r.life.Generation, &token,
		&r.version, &r.created, &r.deadline, &r.ended, &supersede, &member, &spec, &more, &r.payload, &r.result,
	}
	n := len(into)
	if !bodies {
		n -= 2
	}
	if err := scan(into[:n]...); err != nil {
		return nil, err
	}
	r.life.State, r.life.Token = backends.State(state), uint64(token)
	r.life.Attempt, r.life.Crashes = int32(attempt), int16(crashes)
	var err error
	if r.class, err = c.line(ctx, s, class); err != nil {
		return nil, err
	}
	if stand != nil {
		r.stand = *stand
	}
	r.unflag(flags)
	if r.life.Due = r.at; r.closed() {
		r.life.Due = 0
	}
	if supersede != nil {
		r.supersede = *supersede
	}
	if member != nil {
		r.member = *member
	}
	if err := unpack(spec, &r.spec); err != nil {
		return nil, err
	}
	if err := unpack(more, &r.more); err != nil {
		return nil, err
	}
	return &r, nil
}

func unpack(text *string, into any) error {
	if text == nil {
		return nil
	}
	return json.Unmarshal([]byte(*text), into)
}

// packed is v as JSON, nil if it is empty.
func packed(v any, empty bool) any {
	if empty {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil // plain structs of strings and numbers
	}
	return string(b)
}

func (r *row) queue() *queue { return r.class.queue }

// standing is where r stands, as the columns line and room say it. An index finds those
// with a value in one of them.
func (r *row) standing() (line, room any) {
	switch {
	case r.stand > 0:
		return r.stand, nil
	case r.stand < 0:
		return nil, -r.stand
	}
	return nil, nil
}

func (r *row) closed() bool { return r.stand == ended || r.stand == buried }

// facts are what decisions about r need.
func (r *row) facts(now int64) backends.Facts {
	p := r.queue().policy()
	return backends.Facts{Now: now, Deadline: r.deadline, Owes: p.Owes, MaxCrashes: int16(p.MaxCrashes)}
}

// job is the producer's job.
func (r *row) job() *backends.Job {
	j := &backends.Job{
		Ref: r.ref, Kind: r.class.kind, Payload: r.payload, Headers: maps.Clone(r.spec.Headers),
		Fingerprint: r.spec.Fingerprint, Due: when(r.spec.Due), Delay: r.spec.Delay, Expiry: r.spec.Expiry,
		RunLimit: r.spec.RunLimit, MaxAttempts: r.spec.MaxAttempts, Priority: int32(-r.rank),
		Trailing: r.spec.Trailing, Supersede: r.supersede, Resource: r.class.resource,
	}
	if r.spec.Batch != nil {
		b := *r.spec.Batch
		j.Batch = &b
	}
	return j
}

// record is r as callers see it.
func (r *row) record() *backends.Record {
	return &backends.Record{
		Job: r.job(), Queue: r.queue().name,
		State: r.life.State, Version: uint64(r.version), Generation: r.life.Generation, Token: r.life.Token,
		Attempt: int(r.life.Attempt), Crashes: int(r.life.Crashes), Order: r.seq,
		Created: when(r.created), Due: when(r.life.Due), Deadline: when(r.deadline), Ended: when(r.ended),
		Progress: backends.Progress{Percent: r.more.Percent, Text: r.more.Text},
		Result:   r.result, Stored: r.more.Stored, Reason: r.more.Reason, Failures: slices.Clone(r.more.Failures),
		SupersededBy: r.more.SupersededBy, Cancelling: r.life.Cancelling,
		Owes: r.life.Owes, Dropped: r.life.Dropped, Batch: r.more.Batch.Progress(),
	}
}

// lease is r as its new holder sees it.
func (r *row) lease(of *store) *backends.Lease {
	l := &backends.Lease{
		Job: r.job(), Queue: r.queue().name,
		Token: r.life.Token, Generation: r.life.Generation,
		Attempt: int(r.life.Attempt), Crashes: int(r.life.Crashes), Order: r.seq,
		Created: when(r.created), Due: when(r.life.Place), Until: when(r.life.Due), Deadline: when(r.deadline),
	}
	if r.life.State.Ended() {
		l.Outcome = r.record()
	}
	r.payload, r.result = nil, nil // the lease has them
	l.Handle = &handle{store: of, row: r}
	return l
}

// when is a time of the store as callers see it; 0 is the zero time.
func when(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// memberKey spells a collation job in the column member.
func memberKey(ref backends.Ref) string { return ref.Tenant + "\x00" + ref.ID }

// collation is the job that r is counted by; zero if it is no member.
func (r *row) collation() (backends.Ref, bool) {
	tenant, id, ok := strings.Cut(r.member, "\x00")
	return backends.Ref{Tenant: tenant, ID: id}, ok
}

// outlived reports whether r is closed and past its retention.
func (r *row) outlived(now int64) bool {
	return r.closed() && r.ended+int64(r.queue().policy().Keeps(r.life.State)) <= now
}
