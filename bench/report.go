package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// report prints the table and the goals, and writes the same as JSON lines.
func report(w io.Writer, lines *json.Encoder, results []result) error {
	fmt.Fprint(w, "\n| metric | side | | unit | median | min | max | jobs/s |\n|---|---|---|---|---:|---:|---:|---:|\n")
	for _, r := range results {
		for i, s := range r.sides {
			v := spreadOf(r.values(s.name))
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s |\n",
				r.name(), s.name, s.role, r.unit.name, figure(v.median), figure(v.min), figure(v.max), rate(r.samples[i]))
		}
	}
	fmt.Fprintln(w)
	for _, r := range results {
		for _, g := range r.goals {
			fmt.Fprintln(w, r.verdict(g))
		}
		if err := r.write(lines); err != nil {
			return err
		}
	}
	return nil
}

// verdict is the line of a goal. A value that is bound by itself is given per
// unit.
func (r result) verdict(g goal) string {
	reference, bound := g.reference, ">="+figure(g.bound)
	if reference == "" {
		reference, bound = r.unit.name, "<="+figure(g.bound)
	}
	value, ok := r.met(g)
	word := "short"
	if ok {
		word = "ok"
	}
	return fmt.Sprintf("RATIO %s %s/%s %s goal %s %s", dashed(r.name()), dashed(g.ours), dashed(reference), figure(value), bound, word)
}

// write gives every sample and goal as JSON.
func (r result) write(lines *json.Encoder) error {
	type line struct {
		Row, Side string
		Role      role
		Round     int
		Unit      string
		Value     float64
		Sample    sample
	}
	for i, s := range r.sides {
		for round, v := range r.samples[i] {
			if err := lines.Encode(line{r.name(), s.name, s.role, round + 1, r.unit.name, r.unit.of(v), v}); err != nil {
				return err
			}
		}
	}
	type verdict struct {
		Row, Ours, Reference string
		Ratios               []float64
		Median, Bound        float64
		OK                   bool
	}
	for _, g := range r.goals {
		v := verdict{Row: r.name(), Ours: g.ours, Reference: g.reference, Ratios: r.ratio(g), Bound: g.bound}
		v.Median, v.OK = r.met(g)
		if err := lines.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

// rate is the median by the wall, where one was measured.
func rate(samples []sample) string {
	var v []float64
	for _, s := range samples {
		if s.Wall > 0 {
			v = append(v, float64(s.Jobs)/s.Wall.Seconds())
		}
	}
	if len(v) == 0 {
		return ""
	}
	return thousands(spreadOf(v).median)
}

// figure gives three digits, which is more than a busy machine can promise.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func thousands(v float64) string { return figure(v/1000) + " k" }

// dashed makes a name one word.
func dashed(s string) string {
	return strings.NewReplacer(", ", "-", " ", "-", ",", "").Replace(s)
}
