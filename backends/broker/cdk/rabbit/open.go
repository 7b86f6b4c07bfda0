package rabbit

import (
	"context"
	"net/url"
	"strconv"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

func init() {
	backends.Register("cdk+rabbit", openURL)
	backends.Register("cdk+rabbits", openURL) // with TLS
}

// openURL opens "cdk+rabbit://user:password@host:port/vhost?name=…". Parameters: name
// of the queue at the server, prefetch, create=true, and those of every broker:
// queue, records.
func openURL(ctx context.Context, u *url.URL) (_ backends.Backend, err error) {
	a, err := broker.Parse(ctx, u, "name", "prefetch", "create")
	if err != nil {
		return nil, err
	}
	o, create, err := parse(a)
	if err == nil && create {
		err = Declare(ctx, o)
	}
	if err != nil {
		_ = a.Close()
		return nil, err
	}
	t := New(o)
	if err := t.Ready(ctx); err != nil {
		_, _ = t.Close(), a.Close()
		return nil, err
	}
	return a.Backend(t), nil
}

func parse(a *broker.Address) (o Options, create bool, err error) {
	if a.Rest.RawQuery != "" || a.Rest.Fragment != "" {
		return o, false, invalid("takes name, prefetch, create, queue and records only")
	}
	o.Name = a.Params.Get("name")
	if o.Name == "" {
		return o, false, invalid("needs name=, the queue's at the server")
	}
	if text := a.Params.Get("prefetch"); text != "" {
		if o.Prefetch, err = strconv.Atoi(text); err != nil || o.Prefetch < 1 || o.Prefetch > 65535 {
			return o, false, invalid("prefetch is a number from 1 to 65535")
		}
	}
	if text := a.Params.Get("create"); text != "" {
		if create, err = strconv.ParseBool(text); err != nil {
			return o, false, invalid("create is true or false")
		}
	}
	server := *a.Rest
	server.Scheme = map[string]string{"cdk+rabbit": "amqp", "cdk+rabbits": "amqps"}[server.Scheme]
	o.URL = server.String()
	return o, create, nil
}

func invalid(reason string) error {
	return &backends.InvalidError{Field: "URL", Reason: reason}
}
