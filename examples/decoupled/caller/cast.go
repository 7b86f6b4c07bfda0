package caller

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leat-go/leat/examples/decoupled/plan"
)

// Cast returns who plays: watchers who stream, each an own job, and eight with a
// character.
func Cast(site string, network http.RoundTripper, watchers int) []*Caller {
	var all []*Caller
	cast := func(name, does string, play func(context.Context, *Caller) error) {
		all = append(all, newCaller(name, does, site, network, play))
	}
	for i := range watchers {
		cast(fmt.Sprintf("watcher %d", i+1), "streams", watch(3+i%4))
	}
	cast("Ada", "polls calmly", polls)
	cast("Ben", "waits", waits)
	cast("Cleo", "cancels what runs", cancels)
	cast("Dan", "asks a supplier that has closed", fails)
	cast("Eve", "asks a busy one", retries)
	cast("Finn", "asks a hundred times at once", insists)
	cast("Gil", "changes his mind five times", wavers)
	others := slices.DeleteFunc(slices.Clone(all), func(c *Caller) bool { return c.Name == "Ben" }) // who hears nothing before the end
	cast("Hal", "comes last, has a second", late(others))
	return all
}

// question is an ordinary one.
func question(title string, products int) plan.Question {
	return plan.Question{Title: title, Products: products, Level: 95}
}

// show tells how a job goes on: phases, and each quarter of the way.
func (c *Caller) show() seen {
	told := ""
	return func(s Status) error {
		what := s.Phase
		if quarter := int(s.Progress.Percent) / 25 * 25; s.Phase == "running" && quarter > 0 {
			what = fmt.Sprintf("running, %d %%", quarter)
		}
		if what != told {
			told = what
			c.tell("%s", what)
		}
		return nil
	}
}

// watch streams one job.
func watch(products int) func(context.Context, *Caller) error {
	return func(ctx context.Context, c *Caller) error {
		_, s, err := c.ask(ctx, question("one of many", products), "only", nil)
		if err != nil {
			return err
		}
		if s, err = c.stream(ctx, s, nil); err != nil {
			return err
		}
		return c.must(ctx, s, "succeeded")
	}
}

// must enters an end, which is to be this one.
func (c *Caller) must(ctx context.Context, s Status, state string) error {
	p, err := c.settle(ctx, s)
	c.expect(s.State == state, "%s: it ended %s, not %s", c.Name, s.State, state)
	if p.Title != "" {
		c.tell("told %d: %s", p.Status, p.Title)
	}
	if n := len(s.Failures); n > 0 && state == "dead" {
		c.tell("because: %s", s.Failures[n-1].Text)
	}
	return err
}

func polls(ctx context.Context, c *Caller) error {
	_, s, err := c.ask(ctx, question("Spring", 10), "spring", nil)
	if err != nil {
		return err
	}
	c.tell("accepted, looks again each second")
	if s, err = c.poll(ctx, s, c.show()); err != nil {
		return err
	}
	return c.must(ctx, s, "succeeded")
}

func waits(ctx context.Context, c *Caller) error {
	answer, s, err := c.ask(ctx, question("Summer", 4), "summer", http.Header{"Prefer": {"wait=10"}})
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusOK {
		c.tell("has the plan in the answer to the POST")
		return nil
	}
	c.tell("accepted, and waits on")
	if s, err = c.wait(ctx, s, c.show()); err != nil {
		return err
	}
	return c.must(ctx, s, "succeeded")
}

// cancels lets it run a little first. Where it has ended by then, it is too late, and
// nothing but that.
func cancels(ctx context.Context, c *Caller) error {
	_, s, err := c.ask(ctx, question("Winter", plan.MaxProducts), "winter", nil)
	if err != nil {
		return err
	}
	tell, end, asked := c.show(), "succeeded", false
	s, err = c.stream(ctx, s, func(s Status) error {
		_ = tell(s)
		if asked || s.Progress.Percent == 0 || !s.Ended.IsZero() {
			return nil
		}
		asked = true
		answer, text, err := c.call(ctx, "DELETE", s.Links.Self, nil, nil)
		switch {
		case err != nil:
			return err
		case answer.StatusCode == http.StatusAccepted:
			end = "cancelled"
			c.tell("cancels at %.0f %%", s.Progress.Percent)
		case answer.StatusCode != http.StatusConflict:
			return fmt.Errorf("DELETE %s: %s: %s", s.Links.Self, answer.Status, text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.must(ctx, s, end)
}

func fails(ctx context.Context, c *Caller) error {
	q := question("Harbour", 5)
	q.Supplier = "harbour"
	_, s, err := c.ask(ctx, q, "harbour", nil)
	if err != nil {
		return err
	}
	if s, err = c.stream(ctx, s, c.show()); err != nil {
		return err
	}
	return c.must(ctx, s, "dead")
}

func retries(ctx context.Context, c *Caller) error {
	q := question("East", 4)
	q.Supplier = "east"
	_, s, err := c.ask(ctx, q, "east", nil)
	if err != nil {
		return err
	}
	if s, err = c.stream(ctx, s, c.show()); err != nil {
		return err
	}
	c.expect(s.Attempt == 3, "%s: it took %d attempts, not 3", c.Name, s.Attempt)
	return c.must(ctx, s, "succeeded")
}

// repeats is how often one request comes at once.
const repeats = 100

func insists(ctx context.Context, c *Caller) error {
	all, asking := errgroup.WithContext(ctx)
	answers := make([]Status, repeats)
	for i := range answers {
		all.Go(func() (err error) {
			_, answers[i], err = c.ask(asking, question("Now!", 4), "now", nil)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	c.tell("asked %d times, was promised %d job", repeats, c.count202())
	s, err := c.stream(ctx, answers[0], c.show())
	if err != nil {
		return err
	}
	return c.must(ctx, s, "succeeded")
}

func (b *books) count202() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.jobs)
}

// minds is how many questions of one screen are asked in a row.
const minds = 5

// wavers asks, and asks again before there is an answer: only the newest question of a
// screen matters. An older one ends superseded, unless it was quicker.
func wavers(ctx context.Context, c *Caller) error {
	asked := make([]Status, minds)
	for i := range asked {
		q := question(fmt.Sprintf("mind %d", i+1), 4+i)
		q.Screen = "range"
		var err error
		if _, asked[i], err = c.ask(ctx, q, q.Title, nil); err != nil {
			return err
		}
	}
	for i, s := range asked {
		s, err := c.stream(ctx, s, nil)
		if err != nil {
			return err
		}
		if i == minds-1 || s.State == "succeeded" {
			err = c.must(ctx, s, "succeeded")
		} else {
			err = c.replaced(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replaced enters the end of a question that a newer one took the place of.
func (c *Caller) replaced(ctx context.Context, s Status) error {
	p, err := c.settle(ctx, s)
	c.expect(s.State == "superseded" && s.Links.Newer != "" && p.Links.Newer == s.Links.Newer,
		"%s: it ended %s, newer %q and %q", c.Name, s.State, s.Links.Newer, p.Links.Newer)
	return err
}

// late comes when everybody else is there, and can't wait for his turn.
func late(others []*Caller) func(context.Context, *Caller) error {
	return func(ctx context.Context, c *Caller) error {
		for _, o := range others {
			select {
			case <-o.Accepted:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		q := question("Tonight", plan.MaxProducts)
		q.Within = time.Second.Seconds()
		_, s, err := c.ask(ctx, q, "tonight", nil)
		if err != nil {
			return err
		}
		if s, err = c.stream(ctx, s, c.show()); err != nil {
			return err
		}
		return c.must(ctx, s, "expired")
	}
}
