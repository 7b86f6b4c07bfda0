package webhook

import (
	"fmt"
	"strings"
	"time"

	"github.com/leat-go/leat/queue"
)

// Message is the body of a call-back. Receivers in Go may decode it into one; what
// they don't know they pass over, since a newer sender may add members.
type Message struct {
	Type      string    `json:"type"`               // "job." and how it ended: job.succeeded, job.dead, job.cancelled, job.superseded, job.expired
	Timestamp time.Time `json:"timestamp,omitzero"` // when the job ended
	Data      Data      `json:"data"`
}

// Data says which job has ended, and how. It has neither args nor result.
type Data struct {
	Queue        string    `json:"queue"`
	Kind         string    `json:"kind,omitempty"`
	Tenant       string    `json:"tenant,omitempty"`
	ID           string    `json:"id"`
	Generation   int64     `json:"generation"`   // another after each redrive; milliseconds and a little: below 2^53
	Order        int64     `json:"order,string"` // of two jobs of one place, the higher one is newer; nanoseconds, so a string
	Place        string    `json:"place,omitempty"`
	State        string    `json:"state"`
	Reason       string    `json:"reason,omitempty"` // why not succeeded
	SupersededBy string    `json:"supersededBy,omitempty"`
	Attempt      int       `json:"attempt"`
	Created      time.Time `json:"created,omitzero"`
	Ended        time.Time `json:"ended,omitzero"`
}

func newMessage(e *queue.Event) Message {
	return Message{
		Type:      "job." + e.State.String(),
		Timestamp: e.Ended.UTC(),
		Data: Data{
			Queue: e.Queue, Kind: e.Kind, Tenant: e.Ref.Tenant, ID: e.Ref.ID,
			Generation: e.Generation, Order: e.Order, Place: e.Supersede,
			State: e.State.String(), Reason: e.Reason, SupersededBy: e.SupersededBy, Attempt: e.Attempt,
			Created: e.Created.UTC(), Ended: e.Ended.UTC(),
		},
	}
}

// messageID is the webhook-id of an event. What is signed is id.timestamp.body, so
// that an id with a '.', as events have, could be read in two ways; and an id is a
// header. No two events have the same.
func messageID(event string) string {
	var b strings.Builder
	for i := range len(event) {
		switch c := event[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-':
			b.WriteByte(c)
		case c == '.':
			b.WriteByte('_')
		default:
			fmt.Fprintf(&b, "~%02x", c)
		}
	}
	return b.String()
}
