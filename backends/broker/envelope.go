package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leat-go/leat/backends"
)

// wireVersion is that of the envelope. A message of a newer one waits for a
// program that can read it.
const wireVersion = 1

// jobJSON is a job without its payload, as messages and records carry it. Spans
// are nanoseconds.
type jobJSON struct {
	ID          string            `json:"id"`
	Tenant      string            `json:"tenant,omitempty"`
	Kind        string            `json:"kind,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Fingerprint uint64            `json:"fingerprint,omitempty,string"`
	Due         *time.Time        `json:"due,omitempty"`
	Delay       time.Duration     `json:"delay,omitempty"`
	Expiry      time.Duration     `json:"expiry,omitempty"`
	RunLimit    time.Duration     `json:"run_limit,omitempty"`
	MaxAttempts int32             `json:"max_attempts,omitempty"`
	Priority    int32             `json:"priority,omitempty"`
	Trailing    bool              `json:"trailing,omitempty"`
	Supersede   string            `json:"supersede,omitempty"`
	Resource    string            `json:"resource,omitempty"`
	Batch       *batchJSON        `json:"batch,omitempty"`
}

// batchJSON is backends.Batch on the wire.
type batchJSON struct {
	MemberTenant string `json:"member_tenant,omitempty"`
	MemberID     string `json:"member_id,omitempty"`
	Hold         int32  `json:"hold,omitempty"`
	Tolerate     int32  `json:"tolerate,omitempty"`
	Sealed       bool   `json:"sealed,omitempty"`
	Members      int32  `json:"members,omitempty"`
	Seed         string `json:"seed,omitempty"`
	Index        int32  `json:"index,omitempty"`
}

func (b *batchJSON) batch() *backends.Batch {
	if b == nil {
		return nil
	}
	return &backends.Batch{
		Member: backends.Ref{Tenant: b.MemberTenant, ID: b.MemberID},
		Hold:   b.Hold, Tolerate: b.Tolerate, Sealed: b.Sealed, Members: b.Members, Seed: b.Seed, Index: b.Index,
	}
}

func batchToJSON(b *backends.Batch) *batchJSON {
	if b == nil {
		return nil
	}
	return &batchJSON{b.Member.Tenant, b.Member.ID, b.Hold, b.Tolerate, b.Sealed, b.Members, b.Seed, b.Index}
}

func jobToJSON(j *backends.Job) jobJSON {
	w := jobJSON{
		ID: j.ID, Tenant: j.Tenant, Kind: j.Kind, Headers: j.Headers, Fingerprint: j.Fingerprint,
		Delay: j.Delay, Expiry: j.Expiry, RunLimit: j.RunLimit, MaxAttempts: j.MaxAttempts, Priority: j.Priority,
		Trailing: j.Trailing, Supersede: j.Supersede, Resource: j.Resource, Batch: batchToJSON(j.Batch),
	}
	if j.Due.After(time.Unix(0, 0)) { // the far past is now, and has no JSON
		due := j.Due.UTC()
		w.Due = &due
	}
	return w
}

func (w jobJSON) job(payload []byte) *backends.Job {
	j := &backends.Job{
		Ref: backends.Ref{Tenant: w.Tenant, ID: w.ID}, Kind: w.Kind, Payload: payload, Headers: maps.Clone(w.Headers),
		Fingerprint: w.Fingerprint, Delay: w.Delay, Expiry: w.Expiry, RunLimit: w.RunLimit,
		MaxAttempts: w.MaxAttempts, Priority: w.Priority, Trailing: w.Trailing, Supersede: w.Supersede, Resource: w.Resource, Batch: w.Batch.batch(),
	}
	if w.Due != nil {
		j.Due = *w.Due
	}
	return j
}

// envelope is a message of ours on the wire. It speaks for one life of one job.
type envelope struct {
	Leat       int              `json:"leat"` // wireVersion
	Queue      string           `json:"queue"`
	Job        jobJSON          `json:"job"`
	Generation int64            `json:"generation"`
	Send       int              `json:"send,omitempty"`    // how often it was sent anew: hops, snoozes
	Attempt    int32            `json:"attempt,omitempty"` // used up before; only where no record counts
	Order      int64            `json:"order"`
	Due        int64            `json:"due"`                // Unix ns: not to be run before
	Deadline   int64            `json:"deadline,omitempty"` // Unix ns
	Created    int64            `json:"created"`            // Unix ns
	Hint       backends.Version `json:"hint,omitempty"`     // version of the record as it was created
	Wake       bool             `json:"wake,omitempty"`     // only says that the job has ended and owes something
	Text       *string          `json:"payload,omitempty"`
	Bytes      []byte           `json:"payload64,omitempty"` // where base64 is shorter, or the payload is not UTF-8
}

// at is when somebody should look at the message.
func (m *envelope) at() int64 {
	if m.Deadline != 0 && m.Deadline < m.Due {
		return m.Deadline
	}
	return m.Due
}

func (m *envelope) setPayload(p []byte) {
	m.Text, m.Bytes = nil, nil
	if utf8.Valid(p) {
		if s := string(p); len(quoted(s)) <= 4*len(p)/3+64 {
			m.Text = &s
			return
		}
	}
	m.Bytes = p
}

func (m *envelope) payload() []byte {
	if m.Text != nil {
		return []byte(*m.Text)
	}
	if m.Bytes == nil {
		return []byte{}
	}
	return m.Bytes
}

// encode is the body of the message: JSON that people can read.
func (m *envelope) encode() []byte { return quoted(m) }

// quoted is the JSON of v, without the escapes that HTML would need.
func quoted(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("broker: " + err.Error()) // there is no field that can't be encoded
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

var (
	errForeign = errors.New("not a message of leat's")
	errNewer   = errors.New("message of a newer version of leat")
)

// decode reads a body. Whatever doesn't hold as an envelope is foreign: it may be
// a job of its own.
func decode(body []byte) (*envelope, error) {
	var probe struct {
		Leat int `json:"leat"`
	}
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) || json.Unmarshal(body, &probe) != nil || probe.Leat <= 0 {
		return nil, errForeign
	}
	if probe.Leat > wireVersion {
		return nil, errNewer
	}
	var m envelope
	if json.Unmarshal(body, &m) != nil || m.check() != nil {
		return nil, errForeign
	}
	return &m, nil
}

// mostSends bounds what a message may say of its past: none of ours gets there, and
// what is added to it doesn't overflow.
const mostSends = 1 << 30

// check holds what came to what a sender of ours writes: anybody may have sent it.
func (m *envelope) check() error {
	switch {
	case m.Generation <= 0,
		m.Send < 0 || m.Send > mostSends || m.Attempt < 0 || m.Attempt > mostSends,
		min(m.Order, m.Due, m.Deadline, m.Created) < 0: // their differences overflow
		return errForeign
	}
	return m.Job.job(nil).Check(backends.Features{})
}

// dedup tells repeated sends of one message from messages sent anew.
func (m *envelope) dedup() string {
	id := recordKey(backends.Ref{Tenant: m.Job.Tenant, ID: m.Job.ID})
	s := strings.TrimPrefix(id, jobPrefix) + "." + strconv.FormatInt(m.Generation, 36) + "." + strconv.Itoa(m.Send)
	if m.Wake {
		s += "w"
	}
	return s
}

// ownHeaders are what a foreign message may bring along: none that begin as ours.
func ownHeaders(h map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range h {
		if !strings.HasPrefix(strings.ToLower(k), "leat-") {
			out[k] = v
		}
	}
	return out
}
