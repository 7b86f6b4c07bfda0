package optimiser

import "fmt"

// String says a policy in words.
func (p Policy) String() string {
	rule := fmt.Sprintf("order %d when %d or fewer are left", p.Quantity, p.Reorder)
	if p.Reorder < 0 {
		rule = "never order again"
	}
	switch {
	case p.Kick > 0:
		return fmt.Sprintf("begin with %d in week %d, then %s", p.Kick, p.Start, rule)
	case p.Start > 0:
		return fmt.Sprintf("from week %d on %s", p.Start, rule)
	}
	return rule
}
