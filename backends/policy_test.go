package backends

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPolicy_Filled(t *testing.T) {
	defaults := &Policy{
		MaxAttempts: 5, MaxCrashes: 3, UnknownAfter: time.Hour,
		Retention: 24 * time.Hour, DeadRetention: 14 * 24 * time.Hour,
	}
	full := &Policy{
		Version: 3, Backlog: 7, Cap: Cap{InFlight: 1, Rate: 2, Burst: 3},
		Tenant: Tenancy{Weight: 2}, Tenants: map[string]Tenancy{"a": {Backlog: 1}},
		MaxAttempts: 1, MaxCrashes: 2, UnknownAfter: 3, Retention: -1, DeadRetention: -1, Keep: 9, Owes: Event,
	}
	partly := *defaults
	partly.MaxAttempts = 1
	for name, c := range map[string]struct{ p, want *Policy }{
		"nil":          {nil, defaults},
		"zero":         {&Policy{}, defaults},
		"partly":       {&Policy{MaxAttempts: 1}, &partly},
		"nothing left": {full, full},
	} {
		got := c.p.Filled()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got == c.p {
			t.Errorf("%s: the caller's own", name)
		}
	}
}

func TestPolicy_Check(t *testing.T) {
	if err := (*Policy)(nil).Check(); err != nil {
		t.Errorf("nil: %v", err)
	}
	for _, c := range []struct {
		name  string
		p     Policy
		field string
	}{
		{"zero", Policy{}, ""},
		{"the defaults", *(*Policy)(nil).Filled(), ""},
		{"everything", Policy{
			Version: math.MaxInt, Backlog: math.MaxInt, Cap: Cap{math.MaxInt, math.MaxInt32, math.MaxInt},
			Tenant: Tenancy{1, 1, Cap{1, 0.001, 1}}, Tenants: map[string]Tenancy{"a": {2, 0, Cap{}}, "": {}},
			MaxAttempts: math.MaxInt, MaxCrashes: math.MaxInt16, UnknownAfter: maxSpan,
			Retention: maxSpan, DeadRetention: maxSpan, Keep: math.MaxInt, Owes: Event,
		}, ""},
		{"no retention", Policy{Retention: -1, DeadRetention: math.MinInt64}, ""},
		{"backlog below 0", Policy{Backlog: -1}, "Policy.Backlog"},
		{"attempts below 0", Policy{MaxAttempts: -1}, "Policy.MaxAttempts"},
		{"crashes below 0", Policy{MaxCrashes: -1}, "Policy.MaxCrashes"},
		{"more crashes than are counted", Policy{MaxCrashes: math.MaxInt16 + 1}, "Policy.MaxCrashes"},
		{"keep below 0", Policy{Keep: -1}, "Policy.Keep"},
		{"unknown after less than nothing", Policy{UnknownAfter: -1}, "Policy.UnknownAfter"},
		{"unknown after two centuries", Policy{UnknownAfter: 2 * century}, "Policy.UnknownAfter"},
		{"kept for two centuries", Policy{Retention: 2 * century}, "Policy.Retention or DeadRetention"},
		{"dead for two centuries", Policy{DeadRetention: 2 * century}, "Policy.Retention or DeadRetention"},
		{"every end owes a write-back", Policy{Owes: WriteBack}, "Policy.Owes"},
		{"or both", Policy{Owes: Event | WriteBack}, "Policy.Owes"},
		{"in flight below 0", Policy{Cap: Cap{InFlight: -1}}, "Policy.Cap"},
		{"burst below 0", Policy{Cap: Cap{Rate: 1, Burst: -1}}, "Policy.Cap"},
		{"rate below 0", Policy{Cap: Cap{Rate: -0.1}}, "Policy.Cap"},
		{"rate of NaN", Policy{Cap: Cap{Rate: math.NaN()}}, "Policy.Cap"},
		{"endless rate", Policy{Cap: Cap{Rate: math.Inf(1)}}, "Policy.Cap"},
		{"too high a rate", Policy{Cap: Cap{Rate: 1 << 31}}, "Policy.Cap"},
		{"weight below 0", Policy{Tenant: Tenancy{Weight: -1}}, "Policy.Tenant"},
		{"a tenant's backlog below 0", Policy{Tenant: Tenancy{Backlog: -1}}, "Policy.Tenant"},
		{"a tenant's cap", Policy{Tenant: Tenancy{Cap: Cap{Rate: -1}}}, "Policy.Tenant"},
		{"an exception of the longest name", Policy{Tenants: map[string]Tenancy{longest: {}}}, ""},
		{"an exception of a longer one", Policy{Tenants: map[string]Tenancy{longest + "n": {}}}, "Policy.Tenants"},
		{"an exception that no tenant is", Policy{Tenants: map[string]Tenancy{"a\x00": {}}}, "Policy.Tenants"},
		{"an exception", Policy{Tenants: map[string]Tenancy{"a": {}, "b": {Weight: -1}}}, "Policy.Tenants"},
		{"an exception's cap", Policy{Tenants: map[string]Tenancy{"a": {Cap: Cap{InFlight: -1}}}}, "Policy.Tenants"},
	} {
		wantField(t, c.name, c.p.Check(), c.field)
	}
}

func TestPolicy_Of(t *testing.T) {
	p := &Policy{
		Tenant: Tenancy{Weight: 2, Backlog: 10},
		Tenants: map[string]Tenancy{
			"whole": {Backlog: 5},
			"heavy": {Weight: 9},
		},
	}
	for tenant, want := range map[string]Tenancy{
		"other": {Weight: 2, Backlog: 10},
		"":      {Weight: 2, Backlog: 10},
		"whole": {Weight: 1, Backlog: 5}, // replaced, not merged
		"heavy": {Weight: 9},
	} {
		if got := p.Of(tenant); got != want {
			t.Errorf("Of(%q) = %+v, want %+v", tenant, got, want)
		}
	}
	if got := new(Policy).Of("a"); got != (Tenancy{Weight: 1}) {
		t.Errorf("zero policy: %+v", got)
	}
}

func TestPolicy_Keeps(t *testing.T) {
	p := &Policy{Retention: time.Hour, DeadRetention: time.Minute}
	for end := Succeeded; end <= Expired; end++ {
		want := time.Hour
		if end == Dead {
			want = time.Minute
		}
		if got := p.Keeps(end); got != want {
			t.Errorf("%v: %v", end, got)
		}
		if got := (&Policy{Retention: -1, DeadRetention: -1}).Keeps(end); got != 0 {
			t.Errorf("%v without retention: %v", end, got)
		}
	}
}

func TestCap_Bucket(t *testing.T) {
	for _, c := range []struct {
		cap        Cap
		rate, size float64
	}{
		{Cap{}, 0, 1},
		{Cap{Rate: 0.1}, 0.1, 1},
		{Cap{Rate: 1}, 1, 1},
		{Cap{Rate: 50.5}, 50.5, 50.5},
		{Cap{Rate: 50, Burst: 2}, 50, 2},
		{Cap{Rate: 0.5, Burst: 9}, 0.5, 9},
	} {
		if rate, size := c.cap.Bucket(); rate != c.rate || size != c.size {
			t.Errorf("%+v: %v, %v", c.cap, rate, size)
		}
	}
}
