package sqstest

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

type sendEntry struct {
	Id                     string
	MessageBody            string
	DelaySeconds           int
	MessageAttributes      map[string]attribute
	MessageGroupId         string
	MessageDeduplicationId string
}

// failure is the answer for an entry that was refused.
type failure struct {
	Id, Code, Message string
	SenderFault       bool
}

func failed(id string, err error) failure {
	f := failure{Id: id, Code: "InternalError", Message: err.Error()}
	if api, ok := err.(*apiError); ok {
		f.Code, f.Message, f.SenderFault = api.code, api.message, true
	}
	return f
}

// results is the answer for a batch.
type results struct {
	Successful []any
	Failed     []failure
}

const batchBytes = 1 << 20

func (s *Server) sendBatch(_ context.Context, in *struct {
	QueueUrl string
	Entries  []sendEntry
},
) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err == nil {
		err = entries(len(in.Entries), func(i int) string { return in.Entries[i].Id })
	}
	if err != nil {
		return nil, err
	}
	sum := 0
	for i := range in.Entries {
		sum += in.Entries[i].bytes()
	}
	if sum > batchBytes {
		return nil, refuse("BatchRequestTooLong", fmt.Sprintf("batch requests cannot be longer than %d bytes, got %d", batchBytes, sum))
	}
	out := results{Successful: []any{}, Failed: []failure{}}
	for i := range in.Entries {
		e := &in.Entries[i]
		m, err := s.accept(q, e)
		if err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		out.Successful = append(out.Successful, map[string]string{"Id": e.Id, "MessageId": m.id, "MD5OfMessageBody": sum5(e.MessageBody)})
	}
	q.tell()
	return out, nil
}

// entries checks what holds for every batch.
func entries(n int, id func(int) string) error {
	switch {
	case n == 0:
		return refuse("EmptyBatchRequest", "no entries")
	case n > 10:
		return refuse("TooManyEntriesInBatchRequest", fmt.Sprintf("maximum number of entries is 10, got %d", n))
	}
	seen := map[string]bool{}
	for i := range n {
		if seen[id(i)] {
			return refuse("BatchEntryIdsNotDistinct", "id "+id(i)+" repeated")
		}
		seen[id(i)] = true
	}
	return nil
}

func (e *sendEntry) bytes() int {
	n := len(e.MessageBody)
	for k, v := range e.MessageAttributes {
		n += len(k) + len(v.DataType) + len(v.BinaryValue)
		if v.StringValue != nil {
			n += len(*v.StringValue)
		}
	}
	return n
}

// accept puts a message into the queue, or says what AWS says.
func (s *Server) accept(q *queue, e *sendEntry) (*message, error) {
	if err := q.check(e); err != nil {
		return nil, err
	}
	now := time.Now()
	key := e.MessageDeduplicationId
	if q.attributes["DeduplicationScope"] == "messageGroup" {
		key = e.MessageGroupId + "\n" + key
	}
	if old := q.dedup[key]; q.fifo() && old != nil && now.Sub(old.sent) < 5*time.Minute {
		return old, nil
	}
	s.last++
	m := &message{
		id: fmt.Sprintf("00000000-0000-4000-8000-%012d", s.last), body: e.MessageBody, attributes: e.MessageAttributes,
		group: e.MessageGroupId, dedup: e.MessageDeduplicationId, sent: now, visible: now.Add(time.Duration(e.DelaySeconds) * time.Second),
	}
	q.messages = append(q.messages, m)
	if q.fifo() {
		q.dedup[key] = m
	}
	return m, nil
}

func (q *queue) check(e *sendEntry) error {
	switch {
	case e.MessageBody == "":
		return refuse("MissingParameter", "the message body is empty")
	case e.bytes() > q.number("MaximumMessageSize"):
		return invalid(fmt.Sprintf("message must be shorter than %d bytes", q.number("MaximumMessageSize")))
	case !utf8.ValidString(e.MessageBody) || strings.ContainsFunc(e.MessageBody, unsupported):
		return refuse("InvalidMessageContents", "invalid characters found")
	case e.DelaySeconds < 0 || e.DelaySeconds > 900:
		return invalid("DelaySeconds must be between 0 and 900")
	case len(e.MessageAttributes) > 10:
		return invalid("number of message attributes exceeds the allowed maximum [10]")
	case q.fifo() && e.DelaySeconds > 0:
		return invalid("the request includes a parameter that is not valid for this queue type: DelaySeconds")
	case q.fifo() && e.MessageGroupId == "":
		return refuse("MissingParameter", "the request must contain the parameter MessageGroupId")
	case q.fifo() && e.MessageDeduplicationId == "":
		return invalid("the queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided")
	case !q.fifo() && e.MessageDeduplicationId != "":
		return invalid("the request includes a parameter that is not valid for this queue type: MessageDeduplicationId")
	case len(e.MessageGroupId) > 128 || len(e.MessageDeduplicationId) > 128:
		return invalid("an id is longer than 128 characters")
	}
	for k, v := range e.MessageAttributes {
		if k == "" || len(k) > 256 || v.StringValue != nil && *v.StringValue == "" {
			return invalid("message attribute " + k + " has no name or no value")
		}
	}
	return nil
}

func unsupported(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
}

func sum5(s string) string {
	h := md5.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}
