package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/aws/smithy-go"
)

// SetupError is something that a person has to mend: repeating the call won't.
type SetupError struct {
	Table  string
	Reason string // "is missing in eu-central-1"
	Remedy string // what to do about it
	Err    error  // what the service said; nil if it said nothing
}

func (e *SetupError) Error() string {
	return fmt.Sprintf("dynamodb: table %s: %s: %s", e.Table, e.Reason, e.Remedy)
}

// Unwrap returns what the service said. A missing table hides it: docstore would
// take it for a missing document.
func (e *SetupError) Unwrap() error { return e.Err }

var errMissing = errors.New("no such table")

func missing(err error) bool { return errors.Is(err, errMissing) }

// setup takes a SetupError out of what the SDK wraps around it.
func setup(err error) error {
	var mine *SetupError
	if errors.As(err, &mine) {
		return mine
	}
	return err
}

// explain makes a SetupError of what a person has to mend, and leaves the rest
// as it is.
func (p place) explain(operation string, err error) error {
	fault := func(reason, remedy string, cause error) error {
		return &SetupError{Table: p.table.Name, Reason: reason, Remedy: remedy, Err: cause}
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return fault("no DynamoDB is found in region "+p.region, "check the spelling of the region, or the endpoint", err)
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch code := api.ErrorCode(); {
	case code == "ResourceNotFoundException":
		return fault("is missing in region "+p.region,
			"name another region, or create it: "+p.command()+" (for development, create=true does it)", errMissing)
	case slices.Contains(denied, code):
		return fault("not allowed", "grant the action dynamodb:"+operation+" on it", err)
	case slices.Contains(expired, code):
		return fault("the AWS credentials have expired", "renew them (aws sso login, or a new session token)", err)
	case slices.Contains(unknown, code):
		return fault("the AWS credentials are not valid in region "+p.region, "check the key, its secret, and the clock of this machine", err)
	}
	return err
}

// The words of AWS for one thing.
var (
	denied  = []string{"AccessDeniedException", "AccessDenied", "NotAuthorized"}
	expired = []string{"ExpiredTokenException", "ExpiredToken", "RequestExpired"}
	unknown = []string{
		"UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId",
		"MissingAuthenticationTokenException", "IncompleteSignatureException", "SignatureDoesNotMatch",
	}
)

// told is explain where ctx has not ended.
func (p place) told(ctx context.Context, operation string, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return p.explain(operation, err)
}
