package backendtest

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends"
)

func TestEveryCaseSaysWhatItGuards(t *testing.T) {
	rule, name := regexp.MustCompile(`^R([1-9]|1[0-8])$`), regexp.MustCompile(`^(Cells/)?[A-Z][A-Za-z0-9]+$`)
	seen := map[string]bool{}
	for _, c := range cases() {
		if !rule.MatchString(c.rule) || !name.MatchString(c.name) || c.run == nil {
			t.Errorf("case %q of rule %q is not filled in, or misspelled", c.name, c.rule)
		}
		if len(strings.Fields(c.why)) < 4 || strings.HasSuffix(c.why, ".") {
			t.Errorf("%s/%s: %q doesn't go on from \"if this doesn't hold, \"", c.rule, c.name, c.why)
		}
		if seen[c.name] {
			t.Errorf("two cases are called %s", c.name)
		}
		seen[c.name] = true
	}
}

// R17 and the rest of R15 are kept above a Backend: by workers, transports and
// schedules.
func TestEveryRuleThatABackendKeepsHasACase(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range cases() {
		covered[c.rule] = true
	}
	for _, rule := range []string{
		"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15", "R16", "R18",
	} {
		if !covered[rule] {
			t.Errorf("no case guards %s", rule)
		}
	}
}

// The cases for what isn't supported are skipped by every store of this
// module, so they are tried on Backends that have nothing.
func TestUnsupportedCases(t *testing.T) {
	for name, b := range map[string]backends.Backend{
		"without Operator": bare{}, "with one that says no": refusing{},
	} {
		h := Harness{Open: func(*testing.T) backends.Backend { return b }, Unit: 1}
		for _, c := range unsupportedCases {
			t.Run(name+"/"+c.name, func(t *testing.T) { c.on(t, h) })
		}
	}
}

// bare is the least Backend: it takes jobs, and forgets them.
type bare struct{}

func (bare) Enqueue(_ context.Context, req backends.EnqueueRequest) ([]backends.Enqueued, error) {
	out := make([]backends.Enqueued, len(req.Jobs))
	for i := range req.Jobs {
		out[i].Ref = req.Jobs[i].Ref
	}
	return out, nil
}

func (bare) Claim(ctx context.Context, _ backends.ClaimRequest) ([]*backends.Lease, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (bare) Extend(_ context.Context, _ time.Duration, beats []backends.Beat) ([]error, error) {
	return lost(len(beats)), nil
}

func (bare) Settle(_ context.Context, ss []backends.Settlement) ([]error, error) {
	return lost(len(ss)), nil
}

func (bare) Lookup(context.Context, backends.Ref, uint64) (*backends.Record, error) {
	return nil, errors.ErrUnsupported
}

func (bare) Cells() backends.Cells       { return backends.NoCells }
func (bare) Features() backends.Features { return backends.Features{Name: "bare"} }
func (bare) Close() error                { return nil }

func lost(n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = backends.ErrLost
	}
	return errs
}

// refusing has an Operator that can do nothing.
type refusing struct{ bare }

func (refusing) Stats(context.Context, string) (backends.Stats, error) {
	return backends.Stats{}, errors.ErrUnsupported
}

func (refusing) List(context.Context, backends.ListRequest) (backends.Page, error) {
	return backends.Page{}, errors.ErrUnsupported
}

func (refusing) Cancel(context.Context, []backends.Ref) ([]error, error) {
	return nil, errors.ErrUnsupported
}

func (refusing) Redrive(context.Context, []backends.Redrive) ([]error, error) {
	return nil, errors.ErrUnsupported
}

func (refusing) Purge(context.Context, backends.PurgeRequest) (int, error) {
	return 0, errors.ErrUnsupported
}

func (refusing) Pause(context.Context, string, bool) error { return errors.ErrUnsupported }
