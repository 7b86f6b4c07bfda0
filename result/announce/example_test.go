package announce_test

import (
	"context"
	"fmt"
	"time"

	"gocloud.dev/pubsub"
	_ "gocloud.dev/pubsub/mempubsub" // or awssnssqs, gcppubsub, azuresb, kafkapubsub, natspubsub, rabbitpubsub

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/announce"
)

// screens is what a consumer keeps: the state of the newest what-if of each
// screen. A real one keeps both maps in its database, the ids for as long as the
// topic may deliver again.
type screens struct {
	seen   map[string]bool // ids of events
	newest map[place]queue.Event
}

// place is what one newer job supersedes an older one of.
type place struct{ queue, tenant, key string }

// take decides about one message. When it returns, the message may be
// acknowledged: what is no event today is none tomorrow.
func (s *screens) take(body []byte) error {
	e, err := announce.Parse(body)
	if err != nil {
		return err // for the log
	}
	if s.seen[e.ID] { // delivery is at least once
		return nil
	}
	s.seen[e.ID] = true
	at := place{e.Queue, e.Ref.Tenant, e.Supersede}
	if e.Order < s.newest[at].Order { // and in no order
		return nil
	}
	s.newest[at] = e
	return nil
}

// A consumer that gets events twice, and late, and keeps what is newest.
func Example_consumer() {
	ctx := context.Background()
	topic, err := pubsub.OpenTopic(ctx, "mem://ready")
	if err != nil {
		panic(err)
	}
	defer topic.Shutdown(ctx)
	sub, err := pubsub.OpenSubscription(ctx, "mem://ready")
	if err != nil {
		panic(err)
	}
	defer sub.Shutdown(ctx)

	announcer := announce.To(topic) // q.Announce = announcer

	// What workers do with it:
	old := queue.Event{
		ID: "K7XQ.1", Queue: "whatif", Ref: queue.Ref{Tenant: "zeta", ID: "K7XQ"}, Order: 1, Supersede: "screen-9",
		State: queue.Superseded, SupersededBy: "K7XR", Ended: time.Date(2026, 12, 9, 10, 15, 0, 0, time.UTC),
	}
	newer := queue.Event{
		ID: "K7XR.1", Queue: "whatif", Ref: queue.Ref{Tenant: "zeta", ID: "K7XR"}, Order: 2, Supersede: "screen-9",
		State: queue.Succeeded, Ended: time.Date(2026, 12, 9, 10, 14, 0, 0, time.UTC),
	}
	sent := []queue.Event{newer, old, newer}
	if errs := announcer.Announce(ctx, sent); errs != nil {
		panic(errs)
	}

	s := screens{map[string]bool{}, map[place]queue.Event{}}
	for range sent {
		m, err := sub.Receive(ctx)
		if err != nil {
			panic(err)
		}
		if err := s.take(m.Body); err != nil {
			fmt.Println(err)
		}
		m.Ack()
	}
	for at, e := range s.newest {
		fmt.Println(at.tenant, at.key, e.State, e.Ref.ID) // and now result.Get(ctx, q, e.Ref)
	}
	// Output:
	// zeta screen-9 succeeded K7XR
}
