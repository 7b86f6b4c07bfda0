package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	dyn "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// place is a table in a region.
type place struct {
	table  Table
	region string
}

// patience is how long a table may take to become active, where ctx allows it.
const patience = 5 * time.Minute

// find looks at the table, makes it if that is wanted, and waits until it is
// active.
func (p place) find(ctx context.Context, client *dyn.Client) (*types.TableDescription, error) {
	out, err := client.DescribeTable(ctx, &dyn.DescribeTableInput{TableName: &p.table.Name})
	made := false
	switch {
	case missing(err) && p.table.Create:
		made = true
		if err := p.create(ctx, client); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, setup(err)
	}
	if made || out.Table.TableStatus == types.TableStatusCreating {
		if out, err = p.await(ctx, client); err != nil {
			return nil, setup(err)
		}
	}
	if made {
		if err := p.forgetful(ctx, client); err != nil {
			return nil, err
		}
	}
	return out.Table, p.check(out.Table)
}

func (p place) create(ctx context.Context, client *dyn.Client) error {
	_, err := client.CreateTable(ctx, &dyn.CreateTableInput{
		TableName:   &p.table.Name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: &p.table.Key, AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: &p.table.Key, KeyType: types.KeyTypeHash}},
	})
	var other *types.ResourceInUseException
	if errors.As(err, &other) { // another process makes it
		return nil
	}
	return setup(err)
}

func (p place) await(ctx context.Context, client *dyn.Client) (*dyn.DescribeTableOutput, error) {
	waiter := dyn.NewTableExistsWaiter(client, func(o *dyn.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, 2*time.Second
		retry := o.Retryable
		o.Retryable = func(ctx context.Context, in *dyn.DescribeTableInput, out *dyn.DescribeTableOutput, err error) (bool, error) {
			if missing(err) { // not seen everywhere yet
				return true, nil
			}
			return retry(ctx, in, out, err)
		}
	})
	return waiter.WaitForOutput(ctx, &dyn.DescribeTableInput{TableName: &p.table.Name}, patience)
}

// forgetful has the store delete what has expired, within a day or two. Nothing
// depends on it but the bill, so that an emulator without it will do.
func (p place) forgetful(ctx context.Context, client *dyn.Client) error {
	_, err := client.UpdateTimeToLive(ctx, &dyn.UpdateTimeToLiveInput{
		TableName:               &p.table.Name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expire"), Enabled: aws.Bool(true)},
	})
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "UnknownOperationException" {
		return nil
	}
	return setup(err)
}

// check holds a table to what records need: one key, a string.
func (p place) check(t *types.TableDescription) error {
	wrong := func(reason, remedy string) error {
		return &SetupError{Table: p.table.Name, Reason: reason, Remedy: remedy}
	}
	if t.TableStatus == types.TableStatusDeleting {
		return wrong("is being deleted", "wait, then create it anew: "+p.command())
	}
	want := p.table.Key + " (S)"
	if have := keys(t); have != want {
		return wrong(fmt.Sprintf("has the key %s; records need %s, without a sort key", have, want),
			"name the table's own key by partition_key=…, or create another: "+p.command())
	}
	return nil
}

// keys spells a table's key: "key (S)", "a (S) + b (N)".
func keys(t *types.TableDescription) string {
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range t.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	var s string
	for _, k := range t.KeySchema {
		if s != "" {
			s += " + "
		}
		name := aws.ToString(k.AttributeName)
		s += fmt.Sprintf("%s (%s)", name, kinds[name])
	}
	return s
}

// command makes the table from a shell.
func (p place) command() string {
	region := ""
	if p.region != "" {
		region = " --region " + p.region
	}
	return fmt.Sprintf("aws dynamodb create-table%s --table-name %s --billing-mode PAY_PER_REQUEST"+
		" --attribute-definitions AttributeName=%[3]s,AttributeType=S --key-schema AttributeName=%[3]s,KeyType=HASH"+
		" && aws dynamodb wait table-exists%[1]s --table-name %[2]s && aws dynamodb update-time-to-live%[1]s --table-name %[2]s"+
		" --time-to-live-specification Enabled=true,AttributeName=expire", region, p.table.Name, p.table.Key)
}
