package cdk

import (
	"context"
	"net/url"
	"strings"

	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
)

func init() { backends.Register("cdk", openURL) }

// fetchedAhead is how many messages a Subscription that was opened by URL may keep
// inside, at most about: drivers don't tell.
const fetchedAhead = 100

// openURL opens "cdk://?topic=…&subscription=…", both URLs of the Go CDK, escaped,
// whose drivers are imported. Other parameters: queue and records.
func openURL(ctx context.Context, u *url.URL) (backends.Backend, error) {
	a, err := broker.Parse(ctx, u, "topic", "subscription")
	if err != nil {
		return nil, err
	}
	t, err := fromURL(a)
	if err == nil {
		err = t.Ready(ctx)
	}
	if err != nil {
		if t != nil {
			_ = t.Close()
		}
		_ = a.Close()
		return nil, err
	}
	return a.Backend(t), nil
}

func fromURL(a *broker.Address) (*Transport, error) {
	if r := a.Rest; r.Host+r.Path+r.Opaque+r.RawQuery+r.Fragment != "" || r.User != nil {
		return nil, invalid("cdk:// takes topic, subscription, queue and records only")
	}
	topic, err := scheme(a, "topic", pubsub.DefaultURLMux().ValidTopicScheme)
	if err != nil {
		return nil, err
	}
	if _, err := scheme(a, "subscription", pubsub.DefaultURLMux().ValidSubscriptionScheme); err != nil {
		return nil, err
	}
	o := Options{
		Topic: func(ctx context.Context) (*pubsub.Topic, error) {
			return pubsub.OpenTopic(ctx, a.Params.Get("topic"))
		},
		Subscription: func(ctx context.Context) (*pubsub.Subscription, error) {
			return pubsub.OpenSubscription(ctx, a.Params.Get("subscription"))
		},
		Hooks: Hooks{Prefetch: fetchedAhead, Facts: broker.TransportFeatures{Name: "cdk-" + topic, SharedQueues: topic != "mem"}},
	}
	if topic == "mem" { // one for each name, as long as the process lives
		o.Hooks.CloseTopic = func(context.Context, *pubsub.Topic) error { return nil }
	}
	return New(o), nil
}

// scheme is that of a parameter, which must be a URL that a driver opens. The URL
// itself is never quoted: it may hold a password.
func scheme(a *broker.Address, parameter string, known func(string) bool) (string, error) {
	u, err := url.Parse(a.Params.Get(parameter))
	switch {
	case err != nil:
		return "", invalid("parameter " + parameter + " can't be parsed")
	case u.Scheme == "":
		return "", invalid("needs " + parameter + "=, a URL of the Go CDK, escaped")
	case !known(u.Scheme):
		return "", invalid("no driver opens the scheme " + strings.ToLower(u.Scheme) + " of " + parameter + "; import one of its packages")
	}
	return u.Scheme, nil
}

func invalid(reason string) error {
	return &backends.InvalidError{Field: "URL", Reason: reason}
}
