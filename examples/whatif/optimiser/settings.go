package optimiser

// Settings is a partner's question, the args of the job: what if the products of
// this screen were replenished under these conditions?
type Settings struct {
	Screen    string `json:"screen"`              // what the partner looks at; a newer question of it replaces this one
	Items     []Item `json:"items"`               // 1 to MaxItems products, each once
	Lead      Lead   `json:"lead"`                // from order to arrival
	Costs     Costs  `json:"costs"`               //
	Lifecycle int    `json:"lifecycle,omitempty"` // weeks from now, 1 to Horizon, after which nothing is ordered and what is left goes back; 0 = the product stays
	Seed      uint64 `json:"seed,omitempty"`      // of all random numbers; equal settings give equal plans, to the bit
}

// SKUs lists the names of the products.
func (s Settings) SKUs() []string {
	skus := make([]string, len(s.Items))
	for i, item := range s.Items {
		skus[i] = item.SKU
	}
	return skus
}

// Item is one product as it stands on the shelf.
type Item struct {
	SKU   string `json:"sku"`
	Stock int    `json:"stock"` // units on hand, at least 0
}

// Lead is how long an order takes: gamma distributed.
type Lead struct {
	Weeks  float64 `json:"weeks"`  // mean, above 0
	Spread float64 `json:"spread"` // standard deviation in weeks, 0 = always the mean
}

// Costs are in pounds, or as shares of a product's unit price.
type Costs struct {
	Holding  float64 `json:"holding"`  // of one unit for a year, share of its price
	Order    float64 `json:"order"`    // inbound: of each order, pounds
	Inbound  float64 `json:"inbound"`  // of each unit that arrives, share of its price
	Outbound float64 `json:"outbound"` // of each unit that is sold, share of its price
	Return   float64 `json:"return"`   // of each unit that comes back, or that is left after the lifecycle, share of its price
	LostSale float64 `json:"lostSale"` // of each unit that was asked for and not there, share of its price
}

// Plan is the answer, the result of the job.
type Plan struct {
	Screen string     `json:"screen"`
	Items  []Decision `json:"items"` // in the order of the settings
}

// Decision is what to do about one product: the rule that is in use today, the new
// policy, and the 75th percentile of what the next 12 weeks cost under each.
type Decision struct {
	SKU    string  `json:"sku"`
	Old    Policy  `json:"old"`
	New    Policy  `json:"new"`
	Before float64 `json:"before"` // pounds, under Old
	After  float64 `json:"after"`  // pounds, under New; never above Before
}

// Policy is an extended (R, s, Q) rule: the stock is reviewed each week; in the
// week Start an order of Kick units begins it, and in later weeks the smallest
// multiple of Quantity is ordered that lifts the stock position above Reorder,
// once it is there or below. A plain (s, Q) rule has neither Start nor Kick.
type Policy struct {
	Start    int `json:"start"`    // t0, week 0 to Horizon-1
	Kick     int `json:"kick"`     // Q0, units; 0 = none
	Reorder  int `json:"reorder"`  // s, units; below 0 = never again
	Quantity int `json:"quantity"` // Q, units, at least 1
}

// Limits of what may be asked.
const (
	Horizon  = 12  // weeks that are simulated
	MaxItems = 100 // products of one question
)
