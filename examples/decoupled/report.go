package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/leat-go/leat/examples/decoupled/caller"
)

// report is what came of it, by the callers' books and the store.
type report struct {
	rows  []reportRow
	all   caller.Account
	wrong []string
	took  time.Duration

	called int // ends that the receiver of call-backs heard of
	calls  int // that it was made
}

type reportRow struct {
	name, does string
	account    caller.Account
}

// report closes the books. Those who only stream share a row.
func (s *service) report(ctx context.Context, cast []*caller.Caller) (r report, err error) {
	watchers := reportRow{does: "stream, a job each"}
	for _, c := range cast {
		ids, err := s.stored(ctx, c.Tenant())
		if err != nil {
			return r, err
		}
		a, wrong, err := c.Close(ctx, ids)
		if err != nil {
			return r, err
		}
		r.all = r.all.Add(a)
		r.wrong = append(r.wrong, wrong...)
		if strings.HasPrefix(c.Name, "watcher ") {
			watchers.account = watchers.account.Add(a)
		} else {
			r.rows = append(r.rows, reportRow{c.Name, c.Does, a})
		}
	}
	if n := watchers.account.Promised; n > 0 {
		watchers.name = fmt.Sprintf("%d watchers", n)
		r.rows = append(r.rows, watchers)
	}
	return r, nil
}

// called waits for the call-backs of all that was accepted.
func (s *service) called(ctx context.Context, r *report) error {
	if s.calls == nil {
		return nil
	}
	err := s.calls.delivered(ctx, r.all.Promised)
	got := s.calls.receiver
	got.mu.Lock()
	defer got.mu.Unlock()
	r.called, r.calls = len(got.seen), got.calls
	if r.called != r.all.Promised || got.forged > 0 {
		r.all.Wrong++
		r.wrong = append(r.wrong, fmt.Sprintf("%d call-backs of %d ends, %d without a good signature", r.called, r.all.Promised, got.forged))
		return nil
	}
	return err
}

// verdict is an error if a promise was broken.
func (r report) verdict() error {
	a := r.all
	if a.Lost+a.Duplicated+a.Wrong == 0 {
		return nil
	}
	return fmt.Errorf("lost %d, duplicated %d, wrong %d: %s", a.Lost, a.Duplicated, a.Wrong, strings.Join(r.wrong, "; "))
}

// table is for people.
func (r report) table(out io.Writer) {
	fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "caller\t\tjobs\tended\trequests\tchanges seen\twaited")
	for _, row := range r.rows {
		a := row.account
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%d\t%d\t%.1f s\n", row.name, row.does, a.Promised, ends(a), a.Requests, a.Changes, at(a.Waits, 1)/1000)
	}
	t.Flush()
	a := r.all
	fmt.Fprintf(out, "\n%d accepted: %s\n", a.Promised, ends(a))
	fmt.Fprintf(out, "lost %d, duplicated %d, wrong %d; %d streams, %d answers of nothing new, %d signed call-backs; in %.1f s\n",
		a.Lost, a.Duplicated, a.Wrong, a.Streams, a.Unchanged, r.called, r.took.Seconds())
}

// ends says how jobs ended.
func ends(a caller.Account) string {
	var all []string
	for _, e := range []struct {
		n    int
		word string
	}{{a.Succeeded, "succeeded"}, {a.Superseded, "superseded"}, {a.Cancelled, "cancelled"}, {a.Expired, "expired"}, {a.Dead, "dead"}} {
		if e.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", e.n, e.word))
		}
	}
	return strings.Join(all, ", ")
}

// at is a percentile of waits, in milliseconds; 0 if nobody waited.
func at(waits []time.Duration, q float64) float64 {
	if len(waits) == 0 {
		return 0
	}
	waits = slices.Sorted(slices.Values(waits))
	return float64(waits[int(q*float64(len(waits)-1))].Microseconds()) / 1000
}

// line is for programs.
func (r report) line(out io.Writer) error {
	a := r.all
	return json.NewEncoder(out).Encode(struct {
		Accepted   int     `json:"accepted"`
		Succeeded  int     `json:"succeeded"`
		Superseded int     `json:"superseded"`
		Cancelled  int     `json:"cancelled"`
		Expired    int     `json:"expired"`
		Dead       int     `json:"dead"`
		Lost       int     `json:"lost"`
		Duplicated int     `json:"duplicated"`
		Wrong      int     `json:"wrong"`
		Requests   int     `json:"requests"`
		Streams    int     `json:"streams"`
		Changes    int     `json:"changes"`
		Unchanged  int     `json:"unchanged"`
		Refused    int     `json:"refused"`
		Called     int     `json:"called"`
		Wait50     float64 `json:"wait_p50_ms"`
		Wait99     float64 `json:"wait_p99_ms"`
	}{
		a.Promised, a.Succeeded, a.Superseded, a.Cancelled, a.Expired, a.Dead, a.Lost, a.Duplicated, a.Wrong,
		a.Requests, a.Streams, a.Changes, a.Unchanged, a.Refused, r.called, at(a.Waits, 0.5), at(a.Waits, 0.99),
	})
}
