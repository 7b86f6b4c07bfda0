package sqs

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/smithy-go"
)

// What opening and calling can come to, by errors.Is. Each comes inside an
// [*Error] that says what to do.
var (
	ErrNoQueue     = errors.New("no such queue")
	ErrDenied      = errors.New("permission denied")
	ErrCredentials = errors.New("credentials are expired or wrong")
	ErrRegion      = errors.New("wrong region")
)

// Error is a request that SQS refused, and what would mend it.
type Error struct {
	Action string // the right that the request needs: "sqs:ReceiveMessage"
	Queue  string // its URL
	Kind   error  // one of this package's sentinels
	Advice string
	Err    error // of the SDK; nil where nothing was asked
}

func (e *Error) Error() string {
	s := fmt.Sprintf("sqs: %s on %s: %v: %s", e.Action, e.Queue, e.Kind, e.Advice)
	if e.Err != nil {
		s += " (" + e.Err.Error() + ")"
	}
	return s
}

// Unwrap makes the error match its kind and that of the SDK.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

// code is SQS's name for what went wrong, "" for what did not come from there.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// explain tells what would mend the error of a request; one that waiting mends,
// or that is no mistake of the setup, stays as it is.
func explain(queueURL, action string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Action: "sqs:" + action, Queue: queueURL, Err: err}
	switch code(err) {
	case "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue":
		e.Kind = ErrNoQueue
		e.Advice = "look at its name"
		if command := createCommand(queueURL); command != "" {
			e.Advice = "create it by `" + command + "`, or in development by ?create=true"
		}
	case "AccessDenied", "AccessDeniedException":
		e.Kind, e.Advice = ErrDenied, "grant "+e.Action+" on the queue to who calls"
	case "KmsAccessDenied", "KMS.AccessDeniedException":
		e.Kind, e.Advice = ErrDenied, "grant kms:Decrypt and kms:GenerateDataKey on the queue's key to who calls"
	case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
		"SignatureDoesNotMatch", "InvalidSecurity", "MissingAuthenticationToken", "IncompleteSignature":
		e.Kind, e.Advice = ErrCredentials, "log in again, or look at the profile, the role and the clock"
	case "InvalidAddress":
		e.Kind, e.Advice = ErrRegion, "the parameter region must be the one in the queue's URL"
	default:
		return err
	}
	return e
}

// busy reports whether SQS asks for less: too many messages in flight, or too
// many requests.
func busy(err error) bool {
	switch code(err) {
	case "OverLimit", "AWS.SimpleQueueService.OverLimit", "RequestThrottled", "Throttling", "ThrottlingException",
		"TooManyRequestsException", "KmsThrottled", "KMS.ThrottlingException":
		return true
	}
	return false
}

// stale reports whether that code says that a receipt is no longer good: the
// message was deleted, or delivered again.
func stale(code string) bool {
	switch code {
	case "ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight",
		"AWS.SimpleQueueService.MessageNotInflight":
		return true
	}
	return false
}

// What stands in a command that somebody may paste into a shell is held to this.
var (
	shellName   = regexp.MustCompile(`^[a-zA-Z0-9_-]+(\.fifo)?$`)
	shellRegion = regexp.MustCompile(`^[a-z0-9-]*$`)
)

// createCommand makes a queue from a shell; "" for what is no name of a queue.
func createCommand(queueURL string) string {
	name, region := queueName(queueURL), regionOf(queueURL)
	if !shellName.MatchString(name) || !shellRegion.MatchString(region) {
		return ""
	}
	cmd := "aws sqs create-queue --queue-name " + name
	if region != "" {
		cmd += " --region " + region
	}
	cmd += " --attributes MessageRetentionPeriod=1209600"
	if fifo(queueURL) {
		cmd += ",FifoQueue=true"
	}
	return cmd
}

func queueName(queueURL string) string { return queueURL[strings.LastIndexByte(queueURL, '/')+1:] }

func fifo(queueURL string) bool { return strings.HasSuffix(queueURL, ".fifo") }

// regionOf is the region that a queue's URL names, "" if it is not one of AWS.
func regionOf(queueURL string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return ""
	}
	parts := strings.Split(u.Hostname(), ".")
	if len(parts) >= 4 && (parts[0] == "sqs" || parts[0] == "sqs-fips") && parts[2] == "amazonaws" {
		return parts[1]
	}
	return ""
}
