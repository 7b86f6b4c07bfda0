package push

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// Message is what a request brings.
type Message struct {
	// ID is the same at every delivery of a message; "" = there is none, and the
	// request is a message by itself.
	ID       string
	Body     []byte // an envelope of ours, or args
	Headers  map[string]string
	Sent     time.Time // zero if nobody tells
	Delivery int       // how often it was delivered, this time included; 0 = nobody counts
}

// Format reads the message of a request, whose body was read already. Its error is
// the sender's fault, answered with 400.
type Format func(r *http.Request, body []byte) (Message, error)

// Any is [PubSub] where the body is a push of Pub/Sub's, else [Plain].
func Any(r *http.Request, body []byte) (Message, error) {
	if m, err := PubSub(r, body); err == nil {
		return m, nil
	}
	return Plain(r, body)
}

var errNotPubSub = errors.New("not a push of Pub/Sub")

// PubSub is a push of Google Pub/Sub, wrapped as it is by default: JSON with the
// message, base64 in it, and the subscription. Attributes become headers.
func PubSub(_ *http.Request, body []byte) (Message, error) {
	var p struct {
		Message *struct {
			Data        []byte            `json:"data"`
			Attributes  map[string]string `json:"attributes"`
			MessageID   string            `json:"messageId"`
			PublishTime time.Time         `json:"publishTime"`
		} `json:"message"`
		Subscription    string `json:"subscription"`
		DeliveryAttempt int    `json:"deliveryAttempt"`
	}
	if json.Unmarshal(body, &p) != nil || p.Message == nil || p.Message.MessageID == "" || p.Subscription == "" {
		return Message{}, errNotPubSub
	}
	return Message{
		ID: p.Message.MessageID, Body: p.Message.Data, Headers: p.Message.Attributes,
		Sent: p.Message.PublishTime, Delivery: max(0, p.DeliveryAttempt),
	}, nil
}

// Plain is a request whose body is the message. Its id is the header Message-Id or
// Idempotency-Key: a sender that repeats a request must give it one, else the repeat
// is another job.
func Plain(r *http.Request, body []byte) (Message, error) {
	if len(body) == 0 {
		return Message{}, errors.New("the body is empty")
	}
	for _, h := range [...]string{"Message-Id", "Idempotency-Key"} {
		if id := r.Header.Get(h); id != "" {
			return Message{ID: id, Body: body}, nil
		}
	}
	return Message{Body: body}, nil
}

// named gives a message without an id a random one.
func (m *Message) named() {
	if m.ID == "" {
		m.ID = uuid.NewString()
	}
}
