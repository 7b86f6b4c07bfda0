package sqs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

// outgoing is a message as SQS takes it.
type outgoing struct {
	entry types.SendMessageBatchRequestEntry // without its id
	bytes int                                // of body and attributes: what SQS counts
}

// prepare makes an entry of a message, or says why SQS would refuse it: one bad
// entry can spoil the request of its neighbours.
func (t *Transport) prepare(m *broker.Message) (*outgoing, error) {
	body, err := characters(m.Body)
	if err != nil {
		return nil, err
	}
	o := &outgoing{bytes: len(body)}
	o.entry.MessageBody = &body
	if o.entry.MessageAttributes, o.bytes = attributesOf(m.Headers, o.bytes); o.bytes > t.facts.MaxMessage {
		return nil, fmt.Errorf("sqs: a message of %d bytes, where the queue takes %d: %w", o.bytes, t.facts.MaxMessage, backends.ErrTooLarge)
	}
	if m.Group != "" {
		o.entry.MessageGroupId = aws.String(m.Group)
	}
	switch {
	case !t.facts.FIFO && m.Delay > maxDelay:
		return nil, invalid("Message.Delay", fmt.Sprintf("%v, where SQS holds a message back for %v", m.Delay, maxDelay))
	case !t.facts.FIFO && m.Delay > 0:
		o.entry.DelaySeconds = seconds(m.Delay)
	case t.facts.FIFO:
		if m.Group == "" || m.Dedup == "" {
			return nil, invalid("Message", "has no Group or no Dedup, which a FIFO queue needs")
		}
		o.entry.MessageDeduplicationId = aws.String(m.Dedup)
	}
	return o, nil
}

func invalid(field, reason string) error { return &backends.InvalidError{Field: field, Reason: reason} }

// characters is the body as SQS takes it. It knows no U+FFFE and U+FFFF, which
// JSON can escape; of control characters only those that JSON leaves bare between
// its values.
func characters(body []byte) (string, error) {
	if len(body) == 0 {
		return "", invalid("Message.Body", "is empty")
	}
	if !utf8.Valid(body) {
		return "", invalid("Message.Body", "is not UTF-8")
	}
	s := string(body)
	if !strings.ContainsFunc(s, refused) {
		return s, nil
	}
	if !json.Valid(body) {
		return "", invalid("Message.Body", "has characters that SQS refuses, and is not JSON, which could escape them")
	}
	s = strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`).Replace(s)
	if strings.ContainsFunc(s, refused) {
		return "", invalid("Message.Body", "has characters that SQS refuses")
	}
	return s, nil
}

// refused: SQS takes #x9 | #xA | #xD | #x20-#xD7FF | #xE000-#xFFFD | #x10000-#x10FFFF
// (API reference of SendMessage).
func refused(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
}

// attributesOf carries the first ten headers, by name, that SQS can carry.
func attributesOf(headers map[string]string, bytes int) (map[string]types.MessageAttributeValue, int) {
	var out map[string]types.MessageAttributeValue
	for _, k := range slices.Sorted(maps.Keys(headers)) {
		v := headers[k]
		if len(out) == perRequest {
			break
		}
		if !attributeName(k) || v == "" || !utf8.ValidString(v) || strings.ContainsFunc(v, refused) {
			continue
		}
		if out == nil {
			out = map[string]types.MessageAttributeValue{}
		}
		out[k] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &v}
		bytes += len(k) + len(v) + len("String")
	}
	return out, bytes
}

func attributeName(k string) bool {
	lower := strings.ToLower(k)
	if k == "" || len(k) > 256 || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
		k[0] == '.' || k[len(k)-1] == '.' || strings.Contains(k, "..") {
		return false
	}
	return !strings.ContainsFunc(k, func(r rune) bool {
		return r != '_' && r != '-' && r != '.' && !('0' <= r && r <= '9') && !('a' <= r && r <= 'z') && !('A' <= r && r <= 'Z')
	})
}
