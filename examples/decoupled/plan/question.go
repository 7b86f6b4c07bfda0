package plan

import (
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/leat-go/leat/queue"
)

// Question is what a buyer wants to know, the args of the job.
type Question struct {
	Title    string  `json:"title"`              // for the buyer's list, 1 to 60 characters
	Products int     `json:"products"`           // how many of the catalogue, 1 to 24
	Level    float64 `json:"serviceLevel"`       // share of the demand to be served, 50 to 99 per cent
	Supplier string  `json:"supplier,omitempty"` // one of Suppliers; "" = the first
	Within   float64 `json:"within,omitempty"`   // seconds after which nobody needs the answer, up to an hour; 0 = ten minutes
	Screen   string  `json:"screen,omitempty"`   // a newer question of a screen takes the place of an older one; "" = of none
}

// Patience is how long a question without a limit of its own is worth an answer.
const Patience = 10 * time.Minute

// Bounds of what makes sense.
const (
	MaxTitle    = 60 // characters
	MaxProducts = 24
	leastLevel  = 50
	mostLevel   = 99
	mostWithin  = 3600 // seconds
	maxScreen   = 60   // bytes
)

// Check returns what a person should mend, in one sentence, or nil.
func (q Question) Check() error {
	switch n := utf8.RuneCountInString(q.Title); {
	case n == 0 || n > MaxTitle:
		return fmt.Errorf("the title must have 1 to %d characters, not %d", MaxTitle, n)
	case q.Products < 1 || q.Products > MaxProducts:
		return fmt.Errorf("products must be 1 to %d, not %d", MaxProducts, q.Products)
	case !(q.Level >= leastLevel && q.Level <= mostLevel): // NaN too
		return fmt.Errorf("the service level must be %d to %d %%, not %g", leastLevel, mostLevel, q.Level)
	case !(q.Within >= 0 && q.Within <= mostWithin):
		return fmt.Errorf("the answer can be needed within 0 to %d seconds, not %g", mostWithin, q.Within)
	case len(q.Screen) > maxScreen:
		return fmt.Errorf("the screen's name must have at most %d bytes, not %d", maxScreen, len(q.Screen))
	}
	_, err := supplierOf(q.Supplier)
	return err
}

// Options are those of its job: the deadline counts from its creation, whatever it
// waits for.
func (q Question) Options() []queue.Option {
	within := Patience
	if q.Within > 0 {
		within = time.Duration(math.Ceil(q.Within*1000)) * time.Millisecond
	}
	opts := []queue.Option{queue.Expiry(within)}
	if q.Screen != "" {
		opts = append(opts, queue.Supersede(q.Screen))
	}
	return opts
}
