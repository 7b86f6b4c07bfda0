package backends

import "testing"

type plain struct{ Backend }

type operated struct {
	plain
	Operator
	name string
}

type wrapped struct{ Backend }

func (w wrapped) Unwrap() Backend { return w.Backend }

type wrappedOperated struct {
	wrapped
	Operator
}

func TestAs(t *testing.T) {
	op := operated{name: "inner"}
	for name, c := range map[string]struct {
		b    Backend
		want any
	}{
		"itself":                        {op, op},
		"inside one":                    {wrapped{op}, op},
		"inside three":                  {wrapped{wrapped{wrapped{op}}}, op},
		"the outermost first":           {wrapped{operated{plain: plain{op}, name: "outer"}}, operated{plain: plain{op}, name: "outer"}},
		"nobody has it":                 {wrapped{wrapped{plain{}}}, nil},
		"no decorators":                 {plain{}, nil},
		"behind one that hides it":      {plain{op}, nil},
		"nil":                           {nil, nil},
		"a decorator that has it":       {wrappedOperated{wrapped: wrapped{op}}, wrappedOperated{wrapped: wrapped{op}}},
		"a decorator around nothing":    {wrapped{}, nil},
		"around a decorator that hides": {wrapped{plain{op}}, nil},
	} {
		got, ok := As[Operator](c.b)
		if ok != (c.want != nil) || ok && any(got) != c.want {
			t.Errorf("%s: %v, %v", name, got, ok)
		}
	}
}

func TestAs_AConcreteType(t *testing.T) {
	op := operated{name: "inner"}
	if got, ok := As[operated](wrapped{wrapped{op}}); !ok || got != op {
		t.Errorf("%v, %v", got, ok)
	}
	if got, ok := As[*operated](wrapped{op}); ok || got != nil {
		t.Errorf("%v, %v", got, ok)
	}
}

func TestStats_Depth(t *testing.T) {
	s := Stats{Queued: 1, Scheduled: 2, Held: 4, Running: 8, Owing: 16, Ended: map[State]int{Dead: 32}}
	if s.Depth() != 7 {
		t.Errorf("depth %d", s.Depth())
	}
}
