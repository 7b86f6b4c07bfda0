package announce

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/queue"
)

// maxSends is how many events one call of Announce sends at a time: as many as a
// worker hands over. gocloud.dev makes batches of what is sent at once.
const maxSends = 100

// Topic announces on a pubsub topic. Set its fields before it is used.
type Topic struct {
	Source string // a URI reference that says where events come from; "" = "/leat"
	Prefix string // of the events' type, before the state; "" = "leat.job."

	topic *pubsub.Topic
}

var _ queue.Announcer = (*Topic)(nil)

// To returns the Topic that announces on topic, which stays the caller's to shut
// down.
func To(topic *pubsub.Topic) *Topic {
	if topic == nil {
		panic("announce: no topic")
	}
	return &Topic{topic: topic}
}

// Announce implements [queue.Announcer]. It returns when ctx ends, whatever the
// topic does; what gocloud.dev was about to send may arrive nevertheless.
func (t *Topic) Announce(ctx context.Context, events []queue.Event) []error {
	errs := make([]error, len(events))
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(len(events), maxSends) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(events)); i = next.Add(1) - 1 {
				errs[i] = t.send(ctx, &events[i])
			}
		})
	}
	all.Wait()
	if errors.Join(errs...) == nil {
		return nil
	}
	return errs
}

func (t *Topic) send(ctx context.Context, e *queue.Event) error {
	body, err := t.body(e)
	if err != nil {
		return err
	}
	return t.topic.Send(ctx, &pubsub.Message{Body: body, Metadata: t.attributes(e)})
}
