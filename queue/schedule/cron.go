package schedule

import (
	"strings"
	"time"

	"github.com/netresearch/go-cron"
)

// parser knows crontab(5): five fields, names, descriptors, and either of the two
// days where both are restricted. An expression without a date in this many years has
// none: a 29 February comes within eight.
var parser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor | cron.DowOrDom).
	WithMaxSearchYears(searchYears)

const searchYears = 12

// parse reads an expression. The library's search is used on a calendar without zones
// alone, where it is right; what clocks do to it is in zone.go.
func parse(expr string, zone *time.Location) (rhythm, error) {
	switch expr = strings.Join(strings.Fields(expr), " "); {
	case strings.Contains(expr, "="):
		return nil, invalid("Cron", "has a zone in it: that is Location")
	case strings.HasPrefix(expr, "@every"):
		return nil, invalid("Cron", "is an interval: that is Every")
	}
	parsed, err := parser.Parse(expr)
	if err != nil {
		return nil, invalid("Cron", err.Error())
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, invalid("Cron", "is no expression of five fields")
	}
	spec.Location = time.UTC
	w := wall{text: expr, spec: spec, zone: zone, hourly: spec.Hour&allHours == allHours}
	if w.spec.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, invalid("Cron", "has no date: no year has such a day")
	}
	return w, nil
}

const allHours = 1<<24 - 1
