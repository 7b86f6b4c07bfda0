// Package feature is the feature store of the what-if story: what the optimiser
// knows of products, and which settings partners have accepted.
//
//	                ┌─▶ offline: every change, for ever, by day   ─▶ tomorrow's batch
//	Store.Accept ───┤
//	                └─▶ online: the newest change of each screen  ─▶ today's portal
//	                    and the vectors of all products           ─▶ today's jobs
//
// A write-back comes at least once and in any order, so both sides take a change
// that they know as done, and the online side keeps the one with the highest order.
package feature

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/leat-go/leat/examples/whatif/optimiser"
)

// Change is a setting that a partner has accepted, with the plan that it gave.
type Change struct {
	Partner    string             `json:"partner"`
	Screen     string             `json:"screen"`
	Job        string             `json:"job"`
	Generation int64              `json:"generation"` // of the job
	Order      int64              `json:"order"`      // of two changes of one screen, the higher one is newer
	At         time.Time          `json:"at"`         // when it was asked: its day, however late it is written
	Settings   optimiser.Settings `json:"settings"`
	Plan       optimiser.Plan     `json:"plan"`
}

// Online is the side that jobs and the portal read: fast, and only what counts now.
type Online interface {
	optimiser.Features
	// Put takes a change in, unless a newer one of its screen is there.
	Put(ctx context.Context, c Change) error
	// Newest returns the newest change of each screen, by partner and screen.
	Newest(ctx context.Context) ([]Change, error)
}

// Offline is the side that batches read: append-only, and complete.
type Offline interface {
	// Append keeps a change. One that it has already is kept once.
	Append(ctx context.Context, c Change) error
	// Day returns all changes of a day (UTC), in no order.
	Day(ctx context.Context, day time.Time) ([]Change, error)
}

// Store is both sides.
type Store struct {
	Online
	Offline
}

// Accept writes a change to both sides: first to the one that lasts. An error means
// that it is to be written again.
func (s Store) Accept(ctx context.Context, c Change) error {
	if err := s.Append(ctx, c); err != nil {
		return err
	}
	return s.Put(ctx, c)
}

// screen is a place that only the newest change holds.
type screen struct{ partner, name string }

func (c Change) screen() screen { return screen{c.Partner, c.Screen} }

// after orders two changes of one screen.
func (c Change) after(o Change) bool {
	return cmp.Or(cmp.Compare(c.Order, o.Order), cmp.Compare(c.Generation, o.Generation)) > 0
}

// Newest keeps of many changes the newest of each screen, by partner and screen.
func Newest(changes []Change) []Change {
	newest := map[screen]Change{}
	for _, c := range changes {
		if old, ok := newest[c.screen()]; !ok || c.after(old) {
			newest[c.screen()] = c
		}
	}
	return sorted(newest)
}

func sorted(changes map[screen]Change) []Change {
	all := make([]Change, 0, len(changes))
	for _, c := range changes {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Partner, b.Partner), cmp.Compare(a.Screen, b.Screen))
	})
	return all
}

// Differ lists the screens, as "partner/screen", of which two lists say different
// things: another job, other settings, or a plan that differs in one bit.
func Differ(a, b []Change) []string {
	var differ []string
	other := map[screen]Change{}
	for _, c := range b {
		other[c.screen()] = c
	}
	for _, c := range a {
		o, ok := other[c.screen()]
		if !ok || c.Job != o.Job || !reflect.DeepEqual(c.Settings, o.Settings) || !reflect.DeepEqual(c.Plan, o.Plan) {
			differ = append(differ, c.Partner+"/"+c.Screen)
		}
		delete(other, c.screen())
	}
	for s := range other {
		differ = append(differ, s.partner+"/"+s.name)
	}
	slices.Sort(differ)
	return differ
}
