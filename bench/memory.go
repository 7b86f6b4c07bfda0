package main

import (
	"fmt"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/memory"
)

// The goals of the memory store are about its shape: what a claim costs must
// not depend on what else the store holds. They are measured with records that
// go at once ("off") and with the default retention ("kept"). The time is that
// of claim and settle alone, where a few reads that miss the processor's cache
// are seen; "drain and decode" is the same with what the least handler does.
var memoryRows = []row{
	flat("claim at backlog", "off", gone, scene.cycle, backlogs),
	flat("claim at backlog", "kept", kept, scene.cycle, backlogs),
	flat("drain", "off", gone, scene.drains, backlogs),
	flat("drain", "kept", kept, scene.drains, backlogs),
	flat("drain and decode", "off", gone, scene.drains, decoded(backlogs)),
	flat("drain and decode", "kept", kept, scene.drains, decoded(backlogs)),
	flat("claim in flight", "off", gone, scene.cycle, flights),
	flat("claim in flight", "kept", kept, scene.cycle, flights),
	flat("claim among tenants", "off", gone, scene.cycle, crowds),
	flat("claim among tenants", "kept", kept, scene.cycle, crowds),
	churned("everything at backlog", "off", gone, backlogs),
	{
		class: "memory", metric: "bytes per pending job", unit: bytesPerJob,
		sides: []side{
			{"leat", ours, func(n sizes) (sample, error) { return leat(-1).holds(n.pending) }},
			{"mempubsub", peer, func(n sizes) (sample, error) { return open(mem).holds(n.pending) }},
			{"gochannel", peer, func(n sizes) (sample, error) { return open(channels).holds(n.costly) }},
			{"channel+copy", limit, func(n sizes) (sample, error) { return open(limitCopy).holds(n.pending) }},
		},
		goals: []goal{{"leat", "", 650}},
	},
	{
		class: "memory", metric: "idle p50", unit: p50,
		sides: []side{
			{"leat", ours, func(n sizes) (sample, error) { return leat(-1).wakes(n.wakes, blink) }},
			{"mempubsub", peer, func(n sizes) (sample, error) { return open(mem).wakes(n.slowWake, blink) }},
			{"gochannel", peer, func(n sizes) (sample, error) { return open(channels).wakes(n.wakes, blink) }},
			{"channel+copy", limit, func(n sizes) (sample, error) { return open(limitCopy).wakes(n.wakes, blink) }},
		},
		goals: []goal{{"leat", "", 40}},
	},
	traffic("enqueue 1", func(o open, n int) (sample, error) { return o.sends(n, 1) }),
	traffic("enqueue 8", func(o open, n int) (sample, error) { return o.sends(n, 8) }),
	traffic("live 8 to 100", func(o open, n int) (sample, error) { return o.live(n, 8) },
		goal{"leat", "channel+JSON", 0.5}, goal{"leat kept", "channel+JSON", 0.4}),
	{
		class: "memory", metric: "price of records", unit: cpuPerJob,
		sides: []side{
			{"without", ours, func(n sizes) (sample, error) { return leat(-1).live(n.calls, 8) }},
			{"record and result", ours, func(n sizes) (sample, error) { return leatResult(0).live(n.calls, 8) }},
		},
		goals: []goal{{"record and result", "without", 1 / 1.35}},
	},
}

// How long records stay.
var (
	gone = &backends.Policy{Retention: -1, DeadRetention: -1}
	kept = &backends.Policy{}
)

// store is an empty one in memory, with ten tenants and one lease length.
func store(p *backends.Policy) scene {
	return scene{
		open:    func() (backends.Backend, error) { return memory.New(memory.Options{}), nil },
		policy:  p,
		tenants: 10, leases: []time.Duration{time.Hour},
	}
}

// variant is a scene with a name; the first of a list is what the others are
// held against.
type variant struct {
	name string
	edit func(*scene)
}

var (
	backlogs = []variant{
		{"1,000", func(s *scene) { s.backlog = 1_000 }},
		{"300,000", func(s *scene) { s.backlog = 300_000 }},
	}
	flights = []variant{
		{"none", func(s *scene) { s.backlog = 1_000 }},
		{"100,000 equal", func(s *scene) { s.backlog, s.inFlight = 1_000, 100_000 }},
		{"100,000 mixed", func(s *scene) { s.backlog, s.inFlight, s.leases = 1_000, 100_000, mixed() }},
	}
	crowds = []variant{
		{"10", func(s *scene) { s.backlog = 100_000 }},
		{"10,000", func(s *scene) { s.backlog, s.tenants = 100_000, 10_000 }},
	}
)

// decoded adds a handler that decodes the payload.
func decoded(variants []variant) []variant {
	out := make([]variant, len(variants))
	for i, v := range variants {
		out[i] = variant{v.name, func(s *scene) { v.edit(s); s.handle = decode }}
	}
	return out
}

// mixed is eight lease lengths.
func mixed() []time.Duration {
	d := make([]time.Duration, 8)
	for i := range d {
		d[i] = time.Hour + time.Duration(i)*time.Minute
	}
	return d
}

// flat is a row whose sides must cost the same.
func flat(metric, retention string, p *backends.Policy, how func(scene, int) (sample, error), variants []variant) row {
	r := row{class: "memory", metric: fmt.Sprintf("%s, %s", metric, retention), unit: cpuPerJob}
	for i, v := range variants {
		s := store(p)
		v.edit(&s)
		r.sides = append(r.sides, side{v.name, ours, func(n sizes) (sample, error) { return how(s, n.jobs) }})
		if i > 0 {
			r.goals = append(r.goals, goal{v.name, variants[0].name, 0.9})
		}
	}
	return r
}

// churned is the same for information, without a goal.
func churned(metric, retention string, p *backends.Policy, variants []variant) row {
	r := flat(metric, retention, p, func(s scene, n int) (sample, error) { return s.churn(10 * n) }, variants)
	r.goals = nil
	return r
}

// traffic holds ours against peers and limits, one job a call.
func traffic(metric string, how func(open, int) (sample, error), goals ...goal) row {
	at := func(o open) func(sizes) (sample, error) {
		return func(n sizes) (sample, error) { return how(o, n.calls) }
	}
	return row{
		class: "memory", metric: metric, unit: cpuPerJob,
		sides: []side{
			{"leat", ours, at(leat(-1))},
			{"leat kept", ours, at(leat(0))},
			{"mempubsub", peer, at(mem)},
			{"gochannel", peer, func(n sizes) (sample, error) { return how(channels, n.calls/4) }},
			{"channel+copy", limit, at(limitCopy)},
			{"channel+JSON", limit, at(limitJSON)},
		},
		goals: goals,
	}
}
