package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/pubsub"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/examples/whatif/optimiser"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/blobbucket"
	"github.com/leat-go/leat/queue/filebucket"
	"github.com/leat-go/leat/result/announce"
)

// means are what the story runs on, each of which a URL may change.
type means struct {
	backend backends.Backend
	queue   *queue.Queue[optimiser.Settings, optimiser.Plan]
	bucket  queue.Bucket
	folder  string // of the bucket, if it is one
	ready   *pubsub.Subscription
	events  events // in place of ready
	closers []func(context.Context) error
}

// open opens what the flags name.
func open(ctx context.Context, f flags) (*means, error) {
	m := &means{}
	if err := m.open(ctx, f); err != nil {
		return nil, errors.Join(err, m.close(ctx))
	}
	return m, nil
}

func (m *means) open(ctx context.Context, f flags) (err error) {
	if m.backend, err = backends.Open(ctx, f.queue); err != nil {
		return err
	}
	m.closers = append(m.closers, func(context.Context) error { return m.backend.Close() })
	m.queue = queue.New[optimiser.Settings, optimiser.Plan](m.backend, queueName(f.queue))
	if err := m.openBucket(ctx, f.results); err != nil {
		return err
	}
	if name, ok := strings.CutPrefix(f.ready, "queue:"); ok {
		m.events = events{queue.New[queue.Event, queue.None](m.backend, name)}
		m.queue.Announce = m.events
		return nil
	}
	return m.openTopic(ctx, f.ready)
}

func (m *means) openTopic(ctx context.Context, address string) error {
	at, from, two := strings.Cut(address, ",")
	if !two {
		from = at
	}
	topic, err := pubsub.OpenTopic(ctx, at)
	if err != nil {
		return err
	}
	m.closers = append(m.closers, topic.Shutdown)
	m.ready, err = pubsub.OpenSubscription(ctx, from)
	if err != nil {
		return err
	}
	m.closers = append(m.closers, m.ready.Shutdown)
	m.queue.Announce = announce.To(topic)
	return nil
}

// queueName is the URL's. queue.Open would do all of this: here the story keeps the
// backend, to ask it what it has cost.
func queueName(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "whatif"
	}
	return cmp.Or(u.Query().Get("queue"), "whatif")
}

// inline is how many bytes travel with a job. Questions do; plans go to the bucket.
const inline = 2 << 10

func (m *means) openBucket(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	if address == "" || u.Scheme == "file" {
		return m.openFolder(cmp.Or(u.Path, os.Getenv("TMPDIR")), address == "")
	}
	blobs, err := blob.OpenBucket(ctx, address)
	if err != nil {
		return err
	}
	m.closers = append(m.closers, func(context.Context) error { return blobs.Close() })
	m.use(blobbucket.New(blobs))
	return nil
}

// openFolder opens a folder, or a new one inside it.
func (m *means) openFolder(dir string, fresh bool) (err error) {
	if fresh {
		if dir, err = os.MkdirTemp(dir, "leat-whatif-"); err != nil {
			return err
		}
	}
	files, err := filebucket.New(dir)
	if err != nil {
		return fmt.Errorf("-results: %w", err)
	}
	m.closers = append(m.closers, func(context.Context) error { return files.Close() })
	m.folder = dir
	m.use(files)
	return nil
}

func (m *means) use(bucket queue.Bucket) {
	m.bucket, m.queue.Bucket, m.queue.Inline = bucket, bucket, inline
}

// close closes all in turn, the newest first.
func (m *means) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for i := len(m.closers) - 1; i >= 0; i-- {
		errs = append(errs, m.closers[i](ctx))
	}
	return errors.Join(errs...)
}
