package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gocloud.dev/pubsub"
	"golang.org/x/sync/errgroup"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result/announce"
	"github.com/leat-go/leat/result/endpoint"
)

// heartbeat keeps proxies from closing a stream that is silent.
const heartbeat = 15 * time.Second

// ears is how many messages the portal takes in at a time.
const ears = 8

// Listen takes ready events off a topic's subscription, until ctx ends.
func (p *Portal) Listen(ctx context.Context, ready *pubsub.Subscription) error {
	all, ctx := errgroup.WithContext(ctx)
	for range ears {
		all.Go(func() error {
			for {
				if err := p.hear(ctx, ready); err != nil || ctx.Err() != nil {
					return err
				}
			}
		})
	}
	return all.Wait()
}

// hear takes one message in.
func (p *Portal) hear(ctx context.Context, ready *pubsub.Subscription) error {
	m, err := ready.Receive(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("portal: the ready topic: %w", err)
	}
	e, err := announce.Parse(m.Body)
	if err != nil {
		slog.Warn("portal: not a ready event", "err", err)
	} else {
		p.Hear(e)
	}
	m.Ack() // in both cases: what can't be parsed never will
	return nil
}

// Hear takes one event in; one that it knows already says nothing new.
func (p *Portal) Hear(e queue.Event) { p.inbox.add(e) }

// Events returns how many ready events have come, each counted once.
func (p *Portal) Events() int { return p.inbox.size() }

// stream tells a partner what has ended, from the beginning or from where a stream
// of before broke off.
func (p *Portal) stream(w http.ResponseWriter, r *http.Request) {
	partner, err := partnerOf(r)
	if err != nil {
		refuse(w, err)
		return
	}
	told := p.told(r.Header.Get("Last-Event-ID"))
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	fmt.Fprint(w, ": hello\n\n")
	alive := time.NewTicker(heartbeat)
	defer alive.Stop()
	for out.Flush() == nil {
		events, more := p.inbox.after(partner, told)
		if len(events) == 0 {
			select {
			case <-r.Context().Done():
				return
			case <-more:
			case <-alive.C:
				fmt.Fprint(w, ": still here\n\n")
			}
			continue
		}
		for _, e := range events {
			told++
			tell(w, p.name+"-"+strconv.Itoa(told), e)
		}
	}
}

// told is how many events a stream of before has told. One of another portal, before
// this one started, counts for nothing: its order may have been another.
func (p *Portal) told(last string) int {
	name, n, _ := strings.Cut(last, "-")
	told, err := strconv.Atoi(n)
	if name != p.name || err != nil {
		return 0
	}
	return max(told, 0)
}

// tell writes one server-sent event.
func tell(w http.ResponseWriter, id string, e Ready) {
	data, err := json.Marshal(e)
	if err != nil {
		panic(err) // it is strings
	}
	fmt.Fprintf(w, "id: %s\nevent: ready\ndata: %s\n\n", id, data)
}

// refuse answers with what a hook says.
func refuse(w http.ResponseWriter, err error) {
	p, ok := errors.AsType[*endpoint.Problem](err)
	if !ok {
		http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		return
	}
	for name, values := range p.Header {
		w.Header()[name] = values
	}
	http.Error(w, p.Detail, p.Status)
}
