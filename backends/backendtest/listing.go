package backendtest

import (
	"strconv"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
)

// list gathers all pages.
func (e *env) list(req backends.ListRequest) []*backends.Record {
	e.Helper()
	var all []*backends.Record
	for {
		page, err := e.operator().List(e.Context(), req)
		if err != nil {
			e.Fatalf("List: %v", err)
		}
		if req.Limit > 0 && len(page.Records) > req.Limit {
			e.Fatalf("page of %d records, the limit is %d", len(page.Records), req.Limit)
		}
		all = append(all, page.Records...)
		if page.Cursor == "" {
			return all
		}
		req.Cursor = page.Cursor
	}
}

var listCases = []testCase{
	{
		"R10", "ListIsCompleteByState", "dead letters are missed, or redriven twice, because a page lost or repeated them",
		all(records, lists, queues),
		func(e *env) {
			e.operator()
			want := map[backends.State]map[backends.Ref]bool{
				0: {}, backends.Dead: {}, backends.Succeeded: {}, backends.Running: {}, backends.Waiting: {}, backends.Expired: {},
			}
			note := func(s backends.State, refs ...backends.Ref) {
				for _, ref := range refs {
					want[s][ref], want[0][ref] = true, true
				}
			}
			for i := range 9 {
				tenant := "tenant-" + strconv.Itoa(i%3)
				note(backends.Dead, e.ended(backends.Dead, tenant))
				note(backends.Succeeded, e.ended(backends.Succeeded, tenant))
			}
			note(backends.Running, e.start(100).Job.Ref)
			waiting := crowd(12, "zeta", dueIn(e.span(100)))
			e.enqueue(waiting...)
			note(backends.Waiting, refsOf(waiting)...)
			e.enqueueIn(otherQueue, job("zeta"))

			for s, refs := range want {
				for _, limit := range []int{0, 1, 4, len(refs)} {
					req := backends.ListRequest{Queue: theQueue, State: s, AnyTenant: true, Limit: limit}
					e.expectListed(e.list(req), refs)
				}
			}
		},
	},
	{
		"R10", "ListIsByTenant", "an operator page shows a tenant the jobs of others",
		all(records, lists),
		func(e *env) {
			want := map[string]map[backends.Ref]bool{"zeta": {}, "eta": {}, "": {}, "theta": {}}
			for range 5 {
				for _, tenant := range []string{"zeta", "eta", ""} {
					j := job(tenant)
					e.enqueue(j)
					want[tenant][j.Ref] = true
				}
			}
			for tenant, refs := range want {
				e.expectListed(e.list(backends.ListRequest{Queue: theQueue, Tenant: tenant, Limit: 2}), refs)
			}
		},
	},
	{
		"R14", "ListIsByBatch", "who looks for the failed slices of a report reads the whole queue",
		all(records, lists),
		func(e *env) {
			c, members := e.batch(5, -1)
			other, _ := e.batch(2, -1)
			e.enqueue(job("zeta"))
			want := map[backends.Ref]bool{}
			for _, ref := range refsOf(members) {
				want[ref] = true
			}
			req := backends.ListRequest{Queue: theQueue, AnyTenant: true, Batch: c.Ref, Limit: 2}
			e.expectListed(e.list(req), want)
			e.commit(e.claim())
			req.State = backends.Succeeded
			if got := e.list(req); len(got) != 1 {
				e.Fatalf("%d members that succeeded are listed, want 1", len(got))
			}
			req.Batch.Tenant = "eta"
			e.expectListed(e.list(req), nil)
			if req.Batch = other.Ref; len(e.list(req)) != 0 {
				e.Fatalf("members of another batch are listed")
			}
		},
	},
	{
		"R10", "ListShowsWhatLookupShows", "an operator decides by a record that isn't the job's",
		all(records, lists),
		func(e *env) {
			ref := e.ended(backends.Dead, "zeta")
			got := e.list(backends.ListRequest{Queue: theQueue, State: backends.Dead, AnyTenant: true})
			if len(got) != 1 {
				e.Fatalf("%d records listed, want 1", len(got))
			}
			if diff := cmp.Diff(e.lookup(ref), got[0]); diff != "" {
				e.Fatalf("record (-looked up +listed):\n%s", diff)
			}
		},
	},
	{
		"R10", "ListRefusesNonsense", "a typing mistake lists everything or crashes the tool",
		lists,
		func(e *env) {
			for _, req := range []backends.ListRequest{
				{}, {Queue: theQueue, Limit: -1}, {Queue: theQueue, Limit: backends.MaxPage + 1}, {Queue: theQueue, State: 99},
			} {
				_, err := e.operator().List(e.Context(), req)
				e.expect(err, backends.ErrInvalid)
			}
		},
	},
}

// expectListed expects these records, each once, oldest order first.
func (e *env) expectListed(got []*backends.Record, want map[backends.Ref]bool) {
	e.Helper()
	seen := map[backends.Ref]bool{}
	for i, r := range got {
		if seen[r.Job.Ref] || !want[r.Job.Ref] {
			e.Fatalf("%v is listed twice or doesn't belong here", r.Job.Ref)
		}
		seen[r.Job.Ref] = true
		if i > 0 && got[i-1].Order > r.Order {
			e.Fatalf("order %d is listed before %d", got[i-1].Order, r.Order)
		}
	}
	if len(seen) != len(want) {
		e.Fatalf("%d records listed, want %d", len(seen), len(want))
	}
}
