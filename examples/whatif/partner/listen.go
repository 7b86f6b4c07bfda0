package partner

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/leat-go/leat/examples/whatif/portal"
)

// listen reads the stream of ready events until ctx ends. One that breaks is taken
// up where it was.
func (p *Partner) listen(ctx context.Context) {
	last := ""
	for ctx.Err() == nil {
		p.stream(ctx, &last)
		sleep(ctx, 100*time.Millisecond)
	}
}

// stream reads one stream to its end.
func (p *Partner) stream(ctx context.Context, last *string) {
	r, err := http.NewRequestWithContext(ctx, "GET", p.Site+"/ready", nil)
	if err != nil {
		return
	}
	r.SetBasicAuth(p.Name, "")
	if *last != "" {
		r.Header.Set("Last-Event-ID", *last)
	}
	answer, err := p.Client.Do(r)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			*last = id
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var e portal.Ready
			if json.Unmarshal([]byte(data), &e) == nil {
				p.books.end(e.Job, e.Event, e.State, time.Now())
			}
		}
	}
}

// spells is how often a partner's patience may run out before what is said to wait, or
// to run, is lost: a worker that died holds its job for a lease. What has ended is
// waited for some spells: its event may come yet.
const (
	spells   = 10
	lateNews = 3
)

// settle waits until all that was promised has ended, and fetches the plans. What
// the events don't tell for a while is asked for; what doesn't end then is lost.
func (p *Partner) settle(ctx context.Context) error {
	for spell := range spells {
		open, err := p.wait(ctx)
		if err != nil {
			return err
		}
		if len(open) == 0 {
			break
		}
		if err := p.ask(ctx, open); err != nil {
			return err
		}
		if spell+1 >= lateNews && p.books.ended() {
			break
		}
	}
	return p.fetch(ctx)
}

// wait returns when all ends were told, or what was not when there is no news for a while.
func (p *Partner) wait(ctx context.Context) (open []string, err error) {
	patience := p.Patience
	if patience == 0 {
		patience = 30 * time.Second
	}
	for {
		open, news := p.books.open()
		if len(open) == 0 {
			return nil, nil
		}
		timer := time.NewTimer(patience)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-news:
			timer.Stop()
		case <-timer.C:
			return open, nil
		}
	}
}

// ask looks after the jobs whose end nobody told.
func (p *Partner) ask(ctx context.Context, open []string) error {
	for _, id := range open {
		state, err := p.state(ctx, id)
		if err != nil {
			return err
		}
		if state != "waiting" && state != "running" && state != "" {
			p.books.untold(id, state)
		}
	}
	return nil
}

// fetch reads every plan, and compares it with the question.
func (p *Partner) fetch(ctx context.Context) error {
	for _, id := range p.books.succeeded() {
		plan, err := p.result(ctx, id)
		if err != nil {
			return err
		}
		p.books.plan(id, plan)
	}
	return nil
}
