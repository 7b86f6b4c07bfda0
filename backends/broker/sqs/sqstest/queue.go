package sqstest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"strconv"
	"strings"
	"time"
)

// queue is one of a Server's. The Server's lock guards it.
type queue struct {
	name       string
	attributes map[string]string
	messages   []*message
	dedup      map[string]*message // by group and id
	changed    chan struct{}       // closed when a receive should look again
}

// message is one that was sent.
type message struct {
	id         string
	body       string
	attributes map[string]attribute
	group      string
	dedup      string
	sent       time.Time
	visible    time.Time
	receives   int
	first      time.Time // received
	received   time.Time // last
	gone       bool
}

type attribute struct {
	DataType    string
	StringValue *string
	BinaryValue []byte
}

// defaults are the attributes of a new queue, as of AWS.
var defaults = map[string]string{
	"VisibilityTimeout": "30", "MessageRetentionPeriod": "345600", "MaximumMessageSize": "1048576",
	"DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0",
}

// Queue makes a queue, a name ending in ".fifo" a FIFO one, and returns its URL.
func (s *Server) Queue(name string, attributes map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return host + s.make(name, attributes).name
}

func (s *Server) make(name string, attributes map[string]string) *queue {
	q := s.queues[name]
	if q == nil {
		q = &queue{name: name, attributes: maps.Clone(defaults), dedup: map[string]*message{}, changed: make(chan struct{})}
		q.attributes["QueueArn"] = "arn:aws:sqs:" + Region + ":" + Account + ":" + name
		s.queues[name] = q
	}
	maps.Copy(q.attributes, attributes)
	return q
}

// Depth is how many messages a queue holds, those in flight and delayed included.
func (s *Server) Depth(queueURL string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(queueURL)
	if err != nil {
		return 0
	}
	return len(q.live(time.Now()))
}

// InFlight is how many messages of a queue are leased, or hidden by who leased them.
func (s *Server) InFlight(queueURL string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(queueURL)
	if err != nil {
		return 0
	}
	now := time.Now()
	for _, m := range q.live(now) {
		if m.inFlight(now) {
			n++
		}
	}
	return n
}

func (m *message) inFlight(now time.Time) bool { return m.receives > 0 && m.visible.After(now) }

// find is the queue of that URL; only the name counts.
func (s *Server) find(queueURL string) (*queue, error) {
	if q := s.queues[path.Base(queueURL)]; q != nil {
		return q, nil
	}
	return nil, refuse("QueueDoesNotExist", "the specified queue does not exist")
}

func (q *queue) fifo() bool { return strings.HasSuffix(q.name, ".fifo") }

func (q *queue) number(name string) int {
	n, _ := strconv.Atoi(q.attributes[name])
	return n
}

// tell wakes the receives that wait.
func (q *queue) tell() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// live drops what was deleted or kept too long, and returns the rest in order.
func (q *queue) live(now time.Time) []*message {
	keep := time.Duration(q.number("MessageRetentionPeriod")) * time.Second
	rest := q.messages[:0]
	for _, m := range q.messages {
		if !m.gone && now.Sub(m.sent) < keep {
			rest = append(rest, m)
		}
	}
	clear(q.messages[len(rest):])
	q.messages = rest
	return rest
}

func (s *Server) createQueue(_ context.Context, in *struct {
	QueueName  string
	Attributes map[string]string
},
) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasSuffix(in.QueueName, ".fifo") != (in.Attributes["FifoQueue"] == "true") {
		return nil, invalid("the name of a FIFO queue, and of no other, ends in .fifo")
	}
	return map[string]string{"QueueUrl": host + s.make(in.QueueName, in.Attributes).name}, nil
}

func (s *Server) getQueueURL(_ context.Context, in *struct{ QueueName string }) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueName)
	if err != nil {
		return nil, err
	}
	return map[string]string{"QueueUrl": host + q.name}, nil
}

func (s *Server) getAttributes(_ context.Context, in *struct{ QueueUrl string }) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(q.attributes)
	now, inFlight := time.Now(), 0
	for _, m := range q.live(now) {
		if m.inFlight(now) {
			inFlight++
		}
	}
	out["ApproximateNumberOfMessages"] = strconv.Itoa(len(q.messages) - inFlight)
	out["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(inFlight)
	return map[string]any{"Attributes": out}, nil
}

func (s *Server) setAttributes(_ context.Context, in *struct {
	QueueUrl   string
	Attributes map[string]string
},
) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	maps.Copy(q.attributes, in.Attributes)
	return map[string]any{}, nil
}

// redrive is where messages go that were received too often, and when.
func (s *Server) redrive(q *queue) (to *queue, after int) {
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
		Max    any    `json:"maxReceiveCount"`
	}
	if raw := q.attributes["RedrivePolicy"]; raw == "" || json.Unmarshal([]byte(raw), &policy) != nil {
		return nil, 0
	}
	after, _ = strconv.Atoi(fmt.Sprint(policy.Max))
	return s.queues[policy.Target[strings.LastIndexByte(policy.Target, ':')+1:]], after
}
