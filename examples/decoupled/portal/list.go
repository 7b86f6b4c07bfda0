package portal

import (
	"context"
	"errors"
	"slices"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// row is a question in the list.
type row struct {
	*result.Status
	Title string
}

// newest is how many questions the list shows.
const newest = 12

// list returns what a tenant has asked lately, the newest first. A backend that can't
// list its jobs has none to show. A portal of people with thousands of questions would
// keep a table of its own.
func (p *Portal) list(ctx context.Context, tenant string) ([]row, error) {
	var refs []*queue.Record
	for r, err := range p.queue.Jobs(ctx, queue.Filter{Tenant: tenant}) {
		if errors.Is(err, errors.ErrUnsupported) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		refs = append(refs, r)
	}
	refs = refs[max(0, len(refs)-newest):]
	slices.Reverse(refs)
	var rows []row
	for _, r := range refs {
		s, err := result.Lookup(ctx, p.queue, r.Job.Ref)
		if errors.Is(err, queue.ErrNotFound) { // another kind's, or just swept
			continue
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{s, p.title(ctx, r)})
	}
	return rows, nil
}

// title is what the buyer called the question.
func (p *Portal) title(ctx context.Context, r *queue.Record) string {
	q, err := p.queue.Args(ctx, r)
	if err != nil {
		return "Question"
	}
	return q.Title
}
