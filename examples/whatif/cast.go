package main

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/leat-go/leat/examples/whatif/demand"
	"github.com/leat-go/leat/examples/whatif/partner"
)

// How long the arrivals take, if -speed doesn't say.
const (
	sampleSpan = 7 * time.Second
	realSpan   = 25 * time.Second
)

// cast is who plays, and with what.
type cast struct {
	series   []demand.Series
	arrivals map[string][]demand.Arrival // by partner
	names    []string                    // of those who play, those with the most arrivals first
	largest  string                      // of all
	begin    time.Time
	speed    float64
	label    string // what the numbers are
}

// casting reads the files, or makes the sample up.
func casting(f flags) (c cast, err error) {
	var arrivals []demand.Arrival
	span := realSpan
	if f.demand == "" {
		span, c.label = sampleSpan, "a synthetic sample: nobody's demand, nobody's visits"
		c.series, arrivals = demand.Sample(f.partners)
	} else {
		c.label = "real demand of " + f.demand + ", real arrivals of " + f.arrivals
		if c.series, err = demand.SeriesFile(f.demand); err != nil {
			return c, err
		}
		if arrivals, err = demand.ArrivalsFile(f.arrivals); err != nil {
			return c, err
		}
	}
	c.begin = arrivals[0].At
	c.speed = cmp.Or(f.speed, max(1, arrivals[len(arrivals)-1].At.Sub(c.begin).Seconds()/span.Seconds()))
	c.arrivals = map[string][]demand.Arrival{}
	for _, a := range arrivals {
		c.arrivals[a.Partner] = append(c.arrivals[a.Partner], a)
	}
	if c.choose(f); len(c.names) == 0 {
		return c, errors.New("-quiet leaves nobody")
	}
	return c, nil
}

// choose takes the partners with the most arrivals.
func (c *cast) choose(f flags) {
	c.names = slices.SortedFunc(maps.Keys(c.arrivals), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(c.arrivals[b]), len(c.arrivals[a])), cmp.Compare(a, b))
	})
	c.largest = c.names[0]
	if f.partners > 0 {
		c.names = c.names[:min(f.partners, len(c.names))]
	}
	if f.quiet {
		c.names = c.names[1:]
	}
}

// partners puts them in front of a portal.
func (c *cast) partners(site string, client *http.Client) []*partner.Partner {
	all := make([]*partner.Partner, len(c.names))
	visit := strconv.FormatInt(time.Now().UnixNano(), 36) + " "
	for i, name := range c.names {
		all[i] = &partner.Partner{
			Name: name, Site: site, Client: client, Arrivals: c.arrivals[name], Begin: c.begin, Speed: c.speed, Visit: visit,
		}
	}
	return all
}
