package sqs

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	cdk "gocloud.dev/aws"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

func init() { backends.Register("awssqs", openURL) }

// openURL opens "awssqs://host/account/name". What is not ours configures the
// client, by the Go CDK's own reader of such URLs (gocloud.dev/aws), which its
// awssnssqs uses too: region, endpoint, profile, role and the rest mean the same.
// The client is made of that configuration as awssnssqs makes its own; asking it
// for one by As would open a topic that nobody uses, and compile SNS. Its
// parameters raw and waittime are understood. A client that met an error is as
// good as new, so there is nothing to reopen.
func openURL(ctx context.Context, u *url.URL) (_ backends.Backend, err error) {
	a, err := broker.Parse(ctx, u, "create", "raw", "waittime")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	o, err := options(a)
	if err != nil {
		return nil, err
	}
	queueURL := "https://" + u.Host + strings.TrimSuffix(u.Path, "/")
	if u.Host == "" || strings.Trim(u.Path, "/") == "" || u.User != nil {
		return nil, invalid("URL", "awssqs:// takes host, account and name of the queue: the queue's URL without https://")
	}
	q := a.Rest.Query()
	if region := regionOf(queueURL); region != "" && !q.Has("region") {
		q.Set("region", region)
	}
	config, err := cdk.V2ConfigFromURLParams(ctx, q)
	if err != nil {
		return nil, err
	}
	t, err := New(ctx, sqs.NewFromConfig(config), queueURL, o)
	if err != nil {
		return nil, err
	}
	if err := drained(ctx, a, t); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return a.Backend(t), nil
}

// drained has the queue's dead letters, if it has any, put into the records. A
// producer may lack the rights, and needs none.
func drained(ctx context.Context, a *broker.Address, t *Transport) error {
	if a.Store == nil {
		return nil
	}
	dead, err := t.DeadLetters(ctx)
	if errors.Is(err, ErrDenied) || errors.Is(err, ErrNoQueue) {
		return nil
	}
	if dead != nil {
		a.DeadLetters = dead
	}
	return err
}

// options are those of the URL. Records know when a job is over, so Acks may be
// early with them.
func options(a *broker.Address) (o Options, err error) {
	o.EarlyAck = a.Store != nil
	for name, to := range map[string]*bool{"create": &o.Create, "raw": &o.Raw} {
		if s := a.Params.Get(name); s != "" {
			if *to, err = strconv.ParseBool(s); err != nil {
				return o, invalid("URL", "parameter "+name+" is neither true nor false")
			}
		}
	}
	if s := a.Params.Get("waittime"); s != "" {
		o.Wait, err = time.ParseDuration(s)
		if err != nil || o.Wait < time.Second || o.Wait > longestWait {
			return o, invalid("URL", "parameter waittime is not a span from 1s to 20s")
		}
	}
	return o, nil
}
