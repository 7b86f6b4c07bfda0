package dynamodb

import (
	"context"
	"net/url"
	"regexp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	dyn "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	gcaws "gocloud.dev/aws"
	"gocloud.dev/docstore/awsdynamodb/v2"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/backends/broker/docrecords"
)

// Scheme is that of the URLs which this package opens.
const Scheme = "dynamodb"

func init() { broker.RegisterRecords(Scheme, openURL) }

// Table is where records lie.
type Table struct {
	Name   string
	Key    string // the partition key, of type S; "" = "key"
	Create bool   // make it if it is missing: for development
}

// What stands in the command that an error gives to a shell is held to this.
var (
	tableName  = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)
	keyName    = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,255}$`) // a dot would be docstore's path
	regionName = regexp.MustCompile(`^[a-z0-9-]*$`)
)

// validate fills in the default.
func (t *Table) validate() error {
	if t.Key == "" {
		t.Key = "key"
	}
	switch {
	case !tableName.MatchString(t.Name):
		return bad("a table's name has 3 to 255 letters, digits, '_', '-' or '.'")
	case !keyName.MatchString(t.Key) || docrecords.Reserved(t.Key):
		return bad("partition_key has letters, digits, '_' or '-', and isn't the name of another attribute of a record")
	}
	return nil
}

// Open keeps records in a table by a client of the caller's, whose retries and
// credentials it uses. The table is looked at first; errors that a person has to
// mend are a [*SetupError].
func Open(ctx context.Context, client *dyn.Client, t Table) (*broker.RecordStore, error) {
	if err := t.validate(); err != nil {
		return nil, err
	}
	at := place{table: t, region: client.Options().Region}
	described, err := at.find(ctx, dyn.New(client.Options(), with(at.explained)))
	if err != nil {
		return nil, err
	}
	// docstore describes the table again, with no deadline; it is told what is known.
	client = dyn.New(client.Options(), with(at.explained, wholeReads, remembered(described)))
	coll, err := awsdynamodb.OpenCollection(client, t.Name, t.Key, "", &awsdynamodb.Options{ConsistentRead: true})
	if err != nil {
		return nil, err
	}
	return &broker.RecordStore{
		Records: docrecords.New(coll, docrecords.Options{Key: t.Key, Consistent: true}),
		Name:    "dynamodb", Durability: backends.Replicated, Close: coll.Close,
	}, nil
}

// ofCloud are the parameters that gocloud.dev takes for any service of AWS.
var ofCloud = []string{"region", "endpoint", "profile", "role", "dualstack", "fips", "anonymous"}

func openURL(ctx context.Context, u *url.URL) (*broker.RecordStore, error) {
	t, cloud, err := fromURL(u)
	if err != nil {
		return nil, err
	}
	cfg, err := gcaws.V2ConfigFromURLParams(ctx, cloud)
	switch {
	case err != nil: // which may quote a parameter
		return nil, bad("a parameter has no such value, or the AWS configuration of this machine can't be read")
	case cfg.Region == "":
		return nil, bad("no region: give region=…, or set AWS_REGION")
	}
	if err := identified(ctx, cfg, t); err != nil {
		return nil, err
	}
	return Open(ctx, dyn.NewFromConfig(cfg), t)
}

// fromURL takes a URL apart: the table, and what is for the AWS configuration.
func fromURL(u *url.URL) (t Table, cloud url.Values, err error) {
	q, err := backends.Params(u, append([]string{"partition_key", "create"}, ofCloud...)...)
	if err != nil {
		return t, nil, err
	}
	if u.User != nil || u.Path != "" && u.Path != "/" {
		return t, nil, bad("has more than the table's name before its parameters")
	}
	t = Table{Name: u.Host, Key: q.Get("partition_key")}
	if !regionName.MatchString(q.Get("region")) {
		return t, nil, bad("a region has small letters, digits and '-'")
	}
	if create := q.Get("create"); create != "" {
		if t.Create, err = strconv.ParseBool(create); err != nil {
			return t, nil, bad("create is true or false")
		}
	}
	for _, mine := range []string{"partition_key", "create", "queue"} {
		q.Del(mine)
	}
	return t, q, t.validate()
}

// identified looks for credentials before the first request does, which would
// say it less clearly.
func identified(ctx context.Context, cfg aws.Config, t Table) error {
	if aws.IsCredentialsProvider(cfg.Credentials, aws.AnonymousCredentials{}) {
		return nil
	}
	_, err := cfg.Credentials.Retrieve(ctx)
	if err == nil || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &SetupError{
		Table: t.Name, Reason: "no valid AWS credentials are found", Err: err,
		Remedy: "renew them (aws sso login), set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or give this machine a role",
	}
}

func bad(reason string) error {
	return &backends.InvalidError{Field: "URL records", Reason: reason}
}
