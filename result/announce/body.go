package announce

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/leat-go/leat/queue"
)

const specVersion = "1.0"

// envelope is the JSON form of a CloudEvent, in the order that people read.
type envelope struct {
	SpecVersion     string `json:"specversion"`
	ID              string `json:"id"`
	Source          string `json:"source"`
	Type            string `json:"type"`
	Subject         string `json:"subject"`
	Time            string `json:"time,omitempty"`
	DataContentType string `json:"datacontenttype"`
	TraceParent     string `json:"traceparent,omitempty"` // CloudEvents distributed tracing extension
	TraceState      string `json:"tracestate,omitempty"`
	Data            data   `json:"data"`
}

type data struct {
	Queue        string `json:"queue"`
	Kind         string `json:"kind,omitempty"`
	Tenant       string `json:"tenant,omitempty"`
	ID           string `json:"id"`
	Generation   int64  `json:"generation"` // milliseconds and a little: below 2^53
	Order        string `json:"order"`      // nanoseconds: above
	Place        string `json:"place,omitempty"`
	State        string `json:"state"`
	Reason       string `json:"reason,omitempty"`
	SupersededBy string `json:"supersededBy,omitempty"`
	Attempt      int    `json:"attempt"`
	Created      string `json:"created,omitempty"`
	Ended        string `json:"ended,omitempty"`
}

// body is the message's body.
func (t *Topic) body(e *queue.Event) ([]byte, error) {
	parent, state := trace(e.Headers)
	body, err := json.Marshal(envelope{
		SpecVersion:     specVersion,
		ID:              e.ID,
		Source:          cmp.Or(t.Source, "/leat"),
		Type:            t.typeOf(e),
		Subject:         e.Ref.ID,
		Time:            stamp(e.Ended),
		DataContentType: "application/json",
		TraceParent:     parent,
		TraceState:      state,
		Data: data{
			Queue: e.Queue, Kind: e.Kind, Tenant: e.Ref.Tenant, ID: e.Ref.ID,
			Generation: e.Generation, Order: strconv.FormatInt(e.Order, 10), Place: e.Supersede,
			State: e.State.String(), Reason: e.Reason, SupersededBy: e.SupersededBy, Attempt: e.Attempt,
			Created: stamp(e.Created), Ended: stamp(e.Ended),
		},
	})
	return ascii(body), err
}

func (t *Topic) typeOf(e *queue.Event) string {
	return cmp.Or(t.Prefix, "leat.job.") + e.State.String()
}

// stamp is a time on the wire; "" = none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// ascii spells JSON without other characters: SQS, for one, refuses a whole batch
// for a U+FFFE in it. JSON has them in strings only, where an escape is the same.
func ascii(json []byte) []byte {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(json))
	escape := func(c rune) {
		out = append(out, '\\', 'u', hex[c>>12&15], hex[c>>8&15], hex[c>>4&15], hex[c&15])
	}
	for len(json) > 0 {
		c, n := utf8.DecodeRune(json)
		json = json[n:]
		switch {
		case c < 0x7f:
			out = append(out, byte(c))
		case c <= 0xffff:
			escape(c)
		default:
			high, low := utf16.EncodeRune(c)
			escape(high)
			escape(low)
		}
	}
	return out
}
