package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// report is what came of it.
type report struct {
	Hits        int     `json:"hits"`
	Requests    int     `json:"requests"`
	Refused     int64   `json:"toldToComeAgain"`
	Lost        int     `json:"lost"`       // requests without a row
	Duplicated  int     `json:"duplicated"` // rows beyond one of a request
	Foreign     int     `json:"foreign"`    // rows that nobody asked for
	DeadLetters int     `json:"deadLetters"`
	Redriven    int     `json:"redriven"`
	Connections int     `json:"connections"` // that the database bears
	Peak        int     `json:"peak"`        // that were used at a time
	Denied      int     `json:"denied"`      // by the database, for want of one
	BurstTook   float64 `json:"burstSeconds"`
	Took        float64 `json:"drainedSeconds"`
}

func (t *story) report(ctx context.Context) (*report, error) {
	rows, err := t.shop.Requests(ctx)
	if err != nil {
		return nil, err
	}
	r := &report{
		Hits: len(t.burst.hits), Requests: len(t.burst.unique), Refused: t.burst.refused.Load(),
		DeadLetters: t.letters, Redriven: t.redriven, Connections: t.shop.Connections,
		BurstTook: t.burstTook.Seconds(), Took: t.drained.Seconds(),
	}
	r.Peak, r.Denied = t.shop.Peak()
	for request := range t.burst.unique {
		if rows[request] == 0 {
			r.Lost++
		}
	}
	for request, n := range rows {
		r.Duplicated += n - 1
		if _, asked := t.burst.unique[request]; !asked {
			r.Foreign++
		}
	}
	return r, nil
}

// print sums up, and fails if something is not as it should be. Bare, nothing is:
// that is what it shows.
func (r *report) print(out io.Writer, asJSON, bare bool) error {
	if asJSON {
		if err := json.NewEncoder(out).Encode(r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(out, `
  hits          %6d   in %.1f s, of %d requests
  rows          %6d   lost %d, duplicated %d
  connections   %6d   at most, of %d; denied %d
  dead letters  %6d   redriven %d after the fix
  drained       %6.1f s
`, r.Hits, r.BurstTook, r.Requests, r.Requests-r.Lost, r.Lost, r.Duplicated, r.Peak, r.Connections, r.Denied, r.DeadLetters, r.Redriven, r.Took)
	}
	if !bare && (r.Lost+r.Duplicated+r.Foreign+r.Denied > 0 || r.Peak > r.Connections) {
		return fmt.Errorf("lost %d, duplicated %d, foreign %d, denied %d, peak %d of %d", r.Lost, r.Duplicated, r.Foreign, r.Denied, r.Peak, r.Connections)
	}
	return nil
}
