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

	"github.com/leat-go/leat/examples/whatif/optimiser"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/blobbucket"
	"github.com/leat-go/leat/queue/filebucket"
	"github.com/leat-go/leat/result/announce"
)

// means are what the story runs on, each of which a URL may change.
type means struct {
	queue   *queue.Queue[optimiser.Settings, optimiser.Plan]
	bucket  queue.Bucket
	folder  string // of the bucket, if it is one
	ready   *pubsub.Subscription
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
	m.queue, err = queue.Open[optimiser.Settings, optimiser.Plan](ctx, f.queue)
	if err != nil {
		return err
	}
	m.closers = append(m.closers, func(context.Context) error { return m.queue.Close() })
	if err := m.openBucket(ctx, f.results); err != nil {
		return err
	}
	at, from, two := strings.Cut(f.ready, ",")
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
