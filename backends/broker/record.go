package broker

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/leat-go/leat/backends"
)

// recordVersion is that of the record's JSON.
const recordVersion = 1

// record is the truth about one job. The payload enters it only when a redrive
// may need it: a document store bills the whole item at each write.
type record struct {
	Format int           `json:"leat"`
	Queue  string        `json:"queue"`
	Job    jobJSON       `json:"job"`
	Life   backends.Life `json:"life"`
	Seq    uint64        `json:"seq"` // the version that callers see

	Order    int64 `json:"order"` // times are Unix nanoseconds
	Created  int64 `json:"created"`
	Deadline int64 `json:"deadline,omitempty"`
	Ended    int64 `json:"ended,omitempty"`
	Gone     int64 `json:"gone,omitempty"` // hidden from then: its retention is over, though messages may still ask for it

	Holder   string `json:"holder,omitempty"` // the message under which it is leased
	Until    int64  `json:"until,omitempty"`  // no other message may take it before
	Sent     bool   `json:"sent,omitempty"`   // a repeated enqueue has sent it again
	Redriven int64  `json:"redriven,omitempty"`

	Progress     *backends.Progress `json:"progress,omitempty"`
	Result       []byte             `json:"result,omitempty"`
	Stored       string             `json:"stored,omitempty"`
	Reason       string             `json:"reason,omitempty"`
	Failures     []backends.Failure `json:"failures,omitempty"`
	SupersededBy string             `json:"superseded_by,omitempty"`
	Payload      []byte             `json:"payload,omitempty"`
	HasPayload   bool               `json:"has_payload,omitempty"`

	FirstFailed bool           `json:"first_failed,omitempty"` // what its batch counts
	Batch       *batch         `json:"batch,omitempty"`
	Policy      backends.Debt  `json:"owes,omitempty"` // of the queue when it was created, for those who know none
	MaxCrashes  int            `json:"max_crashes,omitempty"`
	Keep        *time.Duration `json:"keep,omitempty"`
	KeepDead    *time.Duration `json:"keep_dead,omitempty"`
}

var errRecord = errors.New("record is unreadable, or of a newer version of leat")

func (r *record) encode() []byte { return quoted(r) }

func decodeRecord(b []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil || r.Format != recordVersion {
		return nil, errRecord
	}
	return &r, nil
}

func (r *record) ref() backends.Ref { return backends.Ref{Tenant: r.Job.Tenant, ID: r.Job.ID} }

// visible reports whether callers may still see it.
func (r *record) visible(now int64) bool { return r != nil && (r.Gone == 0 || now < r.Gone) }

func (r *record) collates() bool { return r.Batch != nil }

// message is the first one of the record's present life.
func (r *record) message(payload []byte) *envelope {
	m := &envelope{
		Leat: wireVersion, Queue: r.Queue, Job: r.Job, Generation: r.Life.Generation,
		Order: r.Order, Due: r.Life.Place, Deadline: r.Deadline, Created: r.Created,
	}
	m.setPayload(payload)
	return m
}

// keep writes what a settlement brought.
func (r *record) keep(b backends.Brought) {
	if b.Failure != nil {
		r.Failures = backends.KeepFailure(r.Failures, *b.Failure)
	}
	if b.Result != nil || b.Stored != "" {
		r.Result, r.Stored = b.Result, b.Stored
	}
	if b.Reason != "" {
		r.Reason = b.Reason
	}
}

// moved is the record after a step that the rules allowed.
func (r *record) moved(life backends.Life, now int64, p *backends.Policy) *record {
	next := *r
	was := r.Life.State
	next.Life = life
	next.Seq++
	if life.State.Ended() && !was.Ended() {
		next.Ended = now
		if life.State != backends.Succeeded {
			next.Result, next.Stored = nil, ""
		}
	}
	if first, ok := next.Life.Count(); ok && next.isMember() {
		next.Life, next.FirstFailed = first, life.State.Failed()
	}
	if life.State.Ended() && life.Due == 0 {
		next.Gone = max(1, next.Ended+int64(next.keeps(p)))
	}
	return &next
}

func (r *record) isMember() bool {
	return r.Job.Batch != nil && r.Job.Batch.MemberID != ""
}

// keeps is how long callers may see an ended record.
func (r *record) keeps(p *backends.Policy) time.Duration { return r.policy(p).Keeps(r.Life.State) }

// remember keeps what of a policy those need who know none.
func (r *record) remember(p *backends.Policy) {
	p = p.Filled()
	r.Policy, r.MaxCrashes, r.Keep, r.KeepDead = p.Owes, p.MaxCrashes, &p.Retention, &p.DeadRetention
}

// policy is that of the queue as this process knows it, else as the record's
// creator did.
func (r *record) policy(p *backends.Policy) *backends.Policy {
	if p != nil {
		return p.Filled()
	}
	own := backends.Policy{Owes: r.Policy, MaxCrashes: r.MaxCrashes}
	if r.Keep != nil && r.KeepDead != nil {
		own.Retention, own.DeadRetention = *r.Keep, *r.KeepDead
	}
	return own.Filled()
}

func (r *record) facts(now int64, p *backends.Policy) backends.Facts {
	f := r.policy(p)
	return backends.Facts{Now: now, Deadline: r.Deadline, Owes: f.Owes, MaxCrashes: int16(f.MaxCrashes)}
}

// keepPayload makes a redrive possible, if the payload fits.
func (r *record) keepPayload(p []byte) {
	if r.Life.State.Redrivable() && !r.HasPayload && len(p) <= maxKept {
		r.Payload, r.HasPayload = p, true
	}
}

// revived is the record in its next life.
func (r *record) revived(p *backends.Policy) (*record, error) {
	life, err := r.Life.Redrive(r.facts(r.Redriven, p), r.Life.Generation, r.collates())
	if err != nil {
		return nil, err
	}
	next := *r
	next.Life = life
	next.Life.Place = r.Redriven
	next.Redriven, next.Ended, next.Gone, next.Holder, next.Until = 0, 0, 0, "", 0
	next.Progress, next.Reason, next.SupersededBy = nil, "", ""
	next.Payload, next.HasPayload = nil, false
	if r.Job.Expiry > 0 {
		next.Deadline = r.Redriven + int64(r.Job.Expiry)
	}
	return &next, nil
}

// snapshot is the record as callers see it.
func (r *record) snapshot() *backends.Record {
	var payload []byte
	if r.HasPayload {
		payload = append([]byte{}, r.Payload...)
	}
	out := &backends.Record{
		Job: r.Job.job(payload), Queue: r.Queue,
		State: r.Life.State, Version: r.Seq, Generation: r.Life.Generation, Token: r.Life.Token,
		Attempt: int(r.Life.Attempt), Crashes: int(r.Life.Crashes), Order: r.Order,
		Created: at(r.Created), Due: at(r.Life.Due), Deadline: at(r.Deadline), Ended: at(r.Ended),
		Result: r.Result, Stored: r.Stored, Reason: r.Reason, Failures: slices.Clone(r.Failures),
		SupersededBy: r.SupersededBy, Cancelling: r.Life.Cancelling,
		Owes: r.Life.Owes, Dropped: r.Life.Dropped, Batch: r.Batch.progress(r.Life),
	}
	if r.Progress != nil {
		out.Progress = *r.Progress
	}
	return out
}

// at is a time as callers see it; 0 is the zero time.
func at(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
