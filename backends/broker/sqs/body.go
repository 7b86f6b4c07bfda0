package sqs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// base64Mark is the attribute by which the Go CDK says that a body is base64.
const base64Mark = "base64encoded"

// headersOf are the attributes that are text, of any type but Binary.
func headersOf(attributes map[string]types.MessageAttributeValue) map[string]string {
	var h map[string]string
	for k, v := range attributes {
		if v.StringValue == nil || k == base64Mark {
			continue
		}
		if h == nil {
			h = make(map[string]string, len(attributes))
		}
		h[k] = aws.ToString(v.StringValue)
	}
	return h
}

// notification is how SNS wraps what it delivers, but for raw delivery.
type notification struct {
	Type              string
	Message           *string
	MessageAttributes map[string]struct{ Type, Value string }
}

// unwrap is the body that the sender had in hand: out of a notification of SNS,
// out of the Go CDK's base64. Attributes inside become headers as those outside.
func unwrap(body []byte, attributes map[string]types.MessageAttributeValue, headers map[string]string) ([]byte, map[string]string) {
	_, encoded := attributes[base64Mark]
	if n := notified(body); n != nil {
		body = []byte(*n.Message)
		for k, v := range n.MessageAttributes {
			switch {
			case k == base64Mark:
				encoded = true
			case v.Type == "Binary":
			case headers == nil:
				headers = map[string]string{k: v.Value}
			default:
				headers[k] = v.Value
			}
		}
	}
	if encoded {
		if plain, err := base64.StdEncoding.DecodeString(string(body)); err == nil {
			body = plain
		}
	}
	return body, headers
}

// notified is the wrapping of a body, nil if there is none.
func notified(body []byte) *notification {
	if !bytes.Contains(body, []byte(`"Notification"`)) {
		return nil
	}
	var n notification
	if json.Unmarshal(body, &n) != nil || n.Type != "Notification" || n.Message == nil {
		return nil
	}
	return &n
}
