package demand

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
)

var week = regexp.MustCompile(`^w\d+$`)

// ReadSeries reads a CSV file with the columns partner, sku, name, unit_price_gbp,
// units_returned and one or more weeks, w00, w01 … in their order. An error names
// the line and the column.
func ReadSeries(r io.Reader) ([]Series, error) {
	t, err := open(r, "partner", "sku", "name", "unit_price_gbp", "units_returned")
	if err != nil {
		return nil, err
	}
	weeks := slices.DeleteFunc(slices.Clone(t.names), func(name string) bool { return !week.MatchString(name) })
	if len(weeks) == 0 {
		return nil, errors.New("demand: there is no week, such as w00")
	}
	var all []Series
	seen := map[[2]string]bool{}
	for t.next() {
		s := Series{
			Partner: t.text("partner"), SKU: t.text("sku"), Name: t.text("name"),
			Price: t.pounds("unit_price_gbp"), Returned: t.units("units_returned"),
			Weekly: make([]int, len(weeks)),
		}
		for i, w := range weeks {
			s.Weekly[i] = t.units(w)
		}
		if id := [2]string{s.Partner, s.SKU}; seen[id] {
			t.fail("sku", "new: this partner has it already")
		} else {
			seen[id] = true
		}
		all = append(all, s)
	}
	return all, t.err
}

// ReadArrivals reads a CSV file with the columns arrived_at (RFC 3339), partner,
// order, sku_lines and units, and puts the arrivals into the order of their times.
func ReadArrivals(r io.Reader) ([]Arrival, error) {
	t, err := open(r, "arrived_at", "partner", "order", "sku_lines", "units")
	if err != nil {
		return nil, err
	}
	var all []Arrival
	for t.next() {
		all = append(all, Arrival{
			At: t.time("arrived_at"), Partner: t.text("partner"), Order: t.text("order"),
			Lines: t.units("sku_lines"), Units: t.units("units"),
		})
	}
	slices.SortStableFunc(all, func(a, b Arrival) int { return a.At.Compare(b.At) })
	if t.err == nil && len(all) == 0 {
		return nil, fmt.Errorf("demand: nobody arrives: %w", io.ErrUnexpectedEOF)
	}
	return all, t.err
}

// SeriesFile reads a file as ReadSeries does.
func SeriesFile(path string) ([]Series, error) { return file(path, ReadSeries) }

// ArrivalsFile reads a file as ReadArrivals does.
func ArrivalsFile(path string) ([]Arrival, error) { return file(path, ReadArrivals) }
