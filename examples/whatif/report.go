package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/broker"
	"github.com/leat-go/leat/examples/whatif/partner"
)

// report is what came of it, by the partners' books and the offline store.
type report struct {
	accounts   []partner.Account
	all, quiet partner.Account // quiet = every partner but the largest
	events     int             // ends that ready events told the partners
	writebacks int             // accepted settings in the offline store
	requests   int64           // to the broker, where there is one that counts
	took       time.Duration
}

func (s *story) report(ctx context.Context, partners []*partner.Partner, largest string) (r report, err error) {
	for _, p := range partners {
		a := p.Account()
		r.accounts = append(r.accounts, a)
		r.all = r.all.Add(a)
		if a.Partner != largest {
			r.quiet = r.quiet.Add(a)
		}
	}
	changes, err := s.settled(ctx, r.all.Succeeded)
	r.events, r.writebacks = r.all.Told, len(changes)
	if meter, ok := backends.As[broker.Meter](s.backend); ok {
		r.requests = meter.Requests()
	}
	return r, err
}

// table is for people.
func (r report) table(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "partner\tsubmitted\tsuperseded\tcancelled\tsucceeded\twait p50\twait p99\tcost before\tafter\tsaved\t")
	for _, a := range r.accounts {
		name := a.Partner
		if a.Borrowed {
			name += " *"
		}
		row(t, name, a)
	}
	row(t, "all", r.all)
	t.Flush()
	if slices.ContainsFunc(r.accounts, func(a partner.Account) bool { return a.Borrowed }) {
		fmt.Fprintln(out, "* plans with the largest partner's history, having none yet")
	}
	a := r.all
	newest, trailing := a.Promised-a.Trailing, a.Trailing
	fmt.Fprintf(out, "screens where the newest stops what runs: %d asked, %d computed; where what runs may finish: %d asked, %d computed\n",
		newest, a.Succeeded-a.TrailingSucceeded, trailing, a.TrailingSucceeded)
	fmt.Fprintf(out, "lost %d, duplicated %d, wrong %d, answers in the 500s %d; %d times told to come again\n",
		a.Lost, a.Duplicated, a.Wrong, a.Faults, a.Refused)
	fmt.Fprintf(out, "%d ready events, %d accepted settings written back, in %.1f s\n", r.events, r.writebacks, r.took.Seconds())
}

func row(t io.Writer, name string, a partner.Account) {
	fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.0f ms\t%.0f ms\t£%.0f\t£%.0f\t%.1f %%\t\n", name, a.Promised, a.Superseded, a.Cancelled,
		a.Succeeded, at(a.Waits, 0.5), at(a.Waits, 0.99), a.Before, a.After, saved(a))
}

// saved is a share of the cost, in per cent.
func saved(a partner.Account) float64 {
	if a.Before == 0 {
		return 0
	}
	return 100 * (1 - a.After/a.Before)
}

// at is a percentile of waits, in milliseconds; 0 if nobody waited.
func at(waits []time.Duration, q float64) float64 {
	if len(waits) == 0 {
		return 0
	}
	slices.Sort(waits)
	return float64(waits[int(q*float64(len(waits)-1))].Microseconds()) / 1000
}

// line is for programs.
func (r report) line(out io.Writer) error {
	a := r.all
	return json.NewEncoder(out).Encode(struct {
		Accepted    int     `json:"accepted"`
		Succeeded   int     `json:"succeeded"`
		Superseded  int     `json:"superseded"`
		Cancelled   int     `json:"cancelled"`
		Expired     int     `json:"expired"`
		Dead        int     `json:"dead"`
		Lost        int     `json:"lost"`
		Duplicated  int     `json:"duplicated"`
		ReadyEvents int     `json:"ready_events"`
		WriteBacks  int     `json:"writebacks"`
		Wait50      float64 `json:"wait_p50_ms"`
		Wait99      float64 `json:"wait_p99_ms"`
		Quiet99     float64 `json:"quiet_wait_p99_ms"`
		Saving      float64 `json:"cost_saving_pct"`
		Requests    float64 `json:"requests_per_job,omitempty"`
	}{
		a.Promised, a.Succeeded, a.Superseded, a.Cancelled, a.Expired, a.Dead, a.Lost, a.Duplicated + a.Wrong, r.events, r.writebacks,
		at(a.Waits, 0.5), at(a.Waits, 0.99), at(r.quiet.Waits, 0.99), saved(a), float64(r.requests) / float64(max(1, a.Promised)),
	})
}
