package announce

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

// maxBody is what SNS and SQS carry; an event of ours has a tenth of it at most.
const maxBody = 256 << 10

// Parse reads the body of a message that a [Topic] has sent. Source and prefix
// may be any. An error is a [queue.InvalidError], and for ever: the message is
// not one of those. Attributes and members that this version doesn't know are
// passed over, so that a newer program may add some.
func Parse(body []byte) (queue.Event, error) {
	if len(body) > maxBody {
		return queue.Event{}, invalid("body", "larger than 256 KiB")
	}
	if !utf8.Valid(body) {
		return queue.Event{}, invalid("body", "not UTF-8")
	}
	outer, err := open("event", body)
	if err != nil {
		return queue.Event{}, err
	}
	inner, err := open("event.data", outer.fields["data"])
	if err != nil {
		return queue.Event{}, err
	}
	e := read(outer, inner)
	if err := cmp.Or(inner.err, outer.err); err != nil {
		return queue.Event{}, err
	}
	return e, nil
}

// read takes the event from an envelope and its data, which keep the first error
// that each has.
func read(outer, inner *members) queue.Event {
	e := queue.Event{
		ID:           outer.text("id", 1, maxText),
		Queue:        inner.text("queue", 1, backends.MaxName),
		Kind:         inner.text("kind", 0, backends.MaxName),
		Ref:          queue.Ref{Tenant: inner.text("tenant", 0, backends.MaxName), ID: inner.text("id", 1, backends.MaxName)},
		Generation:   inner.number("generation"),
		Order:        inner.decimal("order"),
		Supersede:    inner.text("place", 0, backends.MaxName),
		State:        inner.state(),
		Reason:       inner.text("reason", 0, backends.MaxText),
		SupersededBy: inner.text("supersededBy", 0, backends.MaxName),
		Attempt:      int(inner.number("attempt")),
		Created:      inner.time("created"),
		Ended:        inner.time("ended"),
	}
	outer.text("source", 1, maxText)
	outer.require(outer.text("specversion", 1, maxText) == specVersion, "specversion", "must be 1.0")
	outer.require(outer.text("subject", 0, maxText) == e.Ref.ID, "subject", "is another than data.id")
	outer.require(outer.time("time").Equal(e.Ended), "time", "is another than data.ended")
	prefix, ok := strings.CutSuffix(outer.text("type", 1, maxText), e.State.String())
	outer.require(ok && prefix != "", "type", "doesn't end in data.state")
	kind := outer.text("datacontenttype", 0, maxText)
	outer.require(kind == "" || kind == "application/json", "datacontenttype", "must be application/json")
	e.Headers = traceHeaders(outer.text(traceParent, 0, maxText), outer.text(traceState, 0, maxText))
	return e
}

// maxText bounds attributes that only have to be some text.
const maxText = 4 << 10

func traceHeaders(parent, state string) map[string]string {
	parent, state = trace(map[string]string{traceParent: parent, traceState: state})
	switch {
	case parent == "":
		return nil
	case state == "":
		return map[string]string{traceParent: parent}
	}
	return map[string]string{traceParent: parent, traceState: state}
}

func invalid(field, reason string) error { return &queue.InvalidError{Field: field, Reason: reason} }

// members are those of a JSON object. Its methods read one each; the first that
// isn't as it must be sets err.
type members struct {
	path   string
	fields map[string]json.RawMessage
	err    error
}

// open reads an object in which no name stands twice: of two programs, one would
// take the first and one the second.
func open(what string, object []byte) (*members, error) {
	m := &members{path: what + ".", fields: map[string]json.RawMessage{}}
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, invalid(what, "not a JSON object")
	}
	for d.More() {
		var value json.RawMessage
		name, err := d.Token()
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return nil, invalid(what, "not JSON")
		}
		key := name.(string) // between '{' and a value the decoder yields nothing else
		if _, twice := m.fields[key]; twice {
			return nil, invalid(what, "has a member twice")
		}
		m.fields[key] = value
	}
	_, err := d.Token() // the '}'
	if _, end := d.Token(); err != nil || !errors.Is(end, io.EOF) {
		return nil, invalid(what, "not JSON, or followed by more")
	}
	return m, nil
}

func (m *members) require(ok bool, name, reason string) {
	if !ok && m.err == nil {
		m.err = invalid(m.path+name, reason)
	}
}

// get reads a member into v; false = it is absent, or null, or of another type.
func (m *members) get(name string, v any, is string) bool {
	raw, ok := m.fields[name]
	if !ok || string(raw) == "null" {
		return false
	}
	err := json.Unmarshal(raw, v)
	m.require(err == nil, name, "must be "+is)
	return err == nil
}

// text reads a string of so many bytes.
func (m *members) text(name string, least, most int) string {
	var s string
	m.get(name, &s, "a string")
	m.require(len(s) >= least, name, "is missing")
	m.require(len(s) <= most, name, "longer than "+strconv.Itoa(most)+" bytes")
	m.require(!strings.Contains(s, "\x00"), name, "has a NUL")
	return s
}

func (m *members) number(name string) int64 {
	n := int64(-1)
	m.get(name, &n, "a number without fraction")
	m.require(n >= 0, name, "must be a number, 0 or more")
	return n
}

func (m *members) decimal(name string) int64 {
	s := m.text(name, 1, 19)
	n, err := strconv.ParseInt(s, 10, 64)
	m.require(err == nil && strconv.FormatInt(n, 10) == s && n >= 0, name, "must be decimal digits, in a string")
	return n
}

func (m *members) time(name string) time.Time {
	s := m.text(name, 0, len(time.RFC3339Nano))
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	t = t.UTC() // which may lead out of the years that have four digits
	m.require(err == nil && t.Year() > 0 && t.Year() < 10_000, name, "must be a time of RFC 3339")
	return t
}

func (m *members) state() queue.State {
	s := m.text("state", 1, backends.MaxName)
	for end := queue.Succeeded; end.Ended() && end <= queue.Expired; end++ {
		if end.String() == s {
			return end
		}
	}
	m.require(false, "state", "must be one of the five ends")
	return 0
}
