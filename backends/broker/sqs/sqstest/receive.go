package sqstest

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

type receiveInput struct {
	QueueUrl                    string
	MaxNumberOfMessages         int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	MessageAttributeNames       []string
	MessageSystemAttributeNames []string
}

// received is a message as it is answered.
type received struct {
	MessageId, ReceiptHandle, Body, MD5OfBody string
	Attributes                                map[string]string
	MessageAttributes                         map[string]attribute `json:",omitempty"`
}

// inFlightLimit is that of a standard queue.
const inFlightLimit = 120_000

func (in *receiveInput) check() error {
	switch {
	case in.MaxNumberOfMessages < 1 || in.MaxNumberOfMessages > 10:
		return invalid(fmt.Sprintf("MaxNumberOfMessages must be between 1 and 10, is %d", in.MaxNumberOfMessages))
	case in.VisibilityTimeout != nil && (*in.VisibilityTimeout < 0 || *in.VisibilityTimeout > 43200):
		return invalid("VisibilityTimeout must be between 0 and 43200")
	case in.WaitTimeSeconds != nil && (*in.WaitTimeSeconds < 0 || *in.WaitTimeSeconds > 20):
		return invalid("WaitTimeSeconds must be between 0 and 20")
	}
	return nil
}

// receive answers as soon as there is a message, or with none when the wait is over.
func (s *Server) receive(ctx context.Context, in *receiveInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	var until time.Time
	for {
		s.mu.Lock()
		q, err := s.find(in.QueueUrl)
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		now := time.Now()
		if until.IsZero() {
			until = now.Add(time.Duration(orElse(in.WaitTimeSeconds, q.number("ReceiveMessageWaitTimeSeconds"))) * time.Second)
		}
		got, next, err := s.lease(q, in, now)
		changed := q.changed
		s.mu.Unlock()
		if err != nil || len(got) > 0 || !until.After(now) {
			return map[string]any{"Messages": got}, err
		}
		if err := wait(ctx, min(next, until.Sub(now)), changed); err != nil {
			return nil, err
		}
	}
}

func orElse(p *int, other int) int {
	if p != nil {
		return *p
	}
	return other
}

// lease takes what is visible, and tells how long until something else will be.
func (s *Server) lease(q *queue, in *receiveInput, now time.Time) (got []received, next time.Duration, err error) {
	next = time.Hour
	hidden := time.Duration(orElse(in.VisibilityTimeout, q.number("VisibilityTimeout"))) * time.Second
	live := q.live(now)
	busy, inFlight := map[string]bool{}, 0
	for _, m := range live {
		if m.inFlight(now) {
			busy[m.group] = true
			inFlight++
		}
	}
	if inFlight >= inFlightLimit {
		return nil, 0, refuse("OverLimit", "too many messages in flight")
	}
	dead, most := s.redrive(q)
	for _, m := range live {
		switch {
		case m.visible.After(now):
			next = min(next, m.visible.Sub(now))
		case q.fifo() && busy[m.group]:
		case dead != nil && m.receives >= most:
			m.bury(q, dead, now)
		case len(got) < in.MaxNumberOfMessages:
			got = append(got, m.leased(now, hidden))
		}
	}
	return got, next, nil
}

func (m *message) leased(now time.Time, hidden time.Duration) received {
	m.receives++
	if m.first.IsZero() {
		m.first = now
	}
	m.received, m.visible = now, now.Add(hidden)
	system := map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(m.receives),
		"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
	}
	if m.group != "" {
		system["MessageGroupId"] = m.group
	}
	return received{m.id, m.receipt(), m.body, sum5(m.body), system, m.attributes}
}

// bury moves a message to the dead-letter queue, where it keeps its id and age.
func (m *message) bury(from, to *queue, now time.Time) {
	moved := *m
	moved.visible, moved.receives = now, 0
	m.gone = true
	to.messages = append(to.messages, &moved)
	to.tell()
	from.tell()
}

func (m *message) receipt() string { return m.id + "#" + strconv.Itoa(m.receives) }
