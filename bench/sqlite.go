package main

import "time"

// rival takes part in the SQLite rows. The rows go by the wall, as fsync is what
// everybody waits for. The driver is modernc.org/sqlite, the log WAL, and
// synchronous FULL on all sides: what was acknowledged is on the disk. Each side
// has a new file each time.
type rival struct {
	name string
	role role
	open database
}

var (
	leatFull     = rival{"leat, FULL", ours, leatOnFile}
	leatGone     = rival{"leat without records, FULL", ours, leatForgets}
	rawFull      = rival{"raw SQL, FULL", limit, raw}
	backliteFull = rival{"backlite, FULL", peer, viaBacklite}
	goqiteFull   = rival{"goqite, FULL", peer, goqiteRunner}
	goqiteLoops  = rival{"goqite Receive, FULL", peer, goqiteReceive}
	riverFull    = rival{"River, FULL", peer, riverDefault}
	riverQuick   = rival{"River tuned (cooldown 1 ms, poll 10 ms), FULL", peer, riverTuned}
)

var sqliteRows = []row{
	enqueues("enqueue 1", sends(1), alone, alone, 0),
	enqueues("enqueue 8", sends(8), few, alone, 20_000),
	enqueues("enqueue 64", sends(64), many, alone, 80_000),
	enqueues("enqueue batches of 100", open.sendsBatches, many, many, 100_000),
	{
		class: "sqlite", metric: "drain, 100 workers", unit: wallPerJob,
		sides: []side{
			leatFull.does(open.drains, many),
			leatGone.does(open.drains, many),
			rawFull.does(open.drains, many),
			backliteFull.does(open.drains, alone),
			goqiteFull.does(open.drains, alone),
			goqiteLoops.does(open.drains, alone),
			riverFull.does(open.drains, alone),
			riverQuick.does(open.drains, alone),
		},
		goals: []goal{{leatFull.name, rawFull.name, 0.4}, {leatFull.name, "", perSecond(30_000)}},
	},
	{
		class: "sqlite", metric: "idle p50", unit: p50,
		sides: []side{
			leatFull.does(wakes, looks),
			rawFull.does(wakes, looks),
			backliteFull.does(wakes, looks),
			goqiteFull.does(wakes, looks),
			riverFull.does(wakesSlowly, slowWake),
			riverQuick.does(wakes, looks),
		},
		goals: []goal{{leatFull.name, "", 1_000}},
	},
	{
		class: "sqlite", metric: "idle p50 across processes", unit: p50,
		sides: []side{
			leatFull.across(wakes, looks),
			rawFull.across(wakes, looks),
			goqiteFull.across(wakes, looks),
			riverFull.across(wakesSlowly, slowWake),
			riverQuick.across(wakes, looks),
		},
		goals: []goal{{leatFull.name, "", 20_000}},
	},
	deepClaims("claim p99 at backlog", claimVariant{"1,000", 10, shallow}, claimVariant{"1,000,000 (quick: 100,000)", 10, deep}),
	deepClaims("claim p99 among tenants", claimVariant{"10", 10, crowd}, claimVariant{"10,000", 10_000, crowd}),
}

// enqueues has fewer jobs for peers, which don't share a sync. Ours must reach so
// many a second, 0 = no matter.
func enqueues(metric string, how func(open, int) (sample, error), most, peers func(sizes) int, rate float64) row {
	r := row{
		class: "sqlite", metric: metric, unit: wallPerJob,
		sides: []side{
			leatFull.does(how, most),
			rawFull.does(how, most),
			backliteFull.does(how, peers),
			goqiteFull.does(how, peers),
			riverFull.does(how, peers),
		},
	}
	if rate > 0 {
		r.goals = []goal{{leatFull.name, "", perSecond(rate)}}
	}
	return r
}

// does measures so many jobs in some way, on a file of its own.
func (r rival) does(how func(open, int) (sample, error), count func(sizes) int) side {
	return side{r.name, r.role, func(n sizes) (sample, error) { return how(r.open.fresh, count(n)) }}
}

// across is the same with the producer in another process.
func (r rival) across(how func(open, int) (sample, error), count func(sizes) int) side {
	return side{r.name, r.role, func(n sizes) (sample, error) { return how(r.open.fromAfar(r.name).fresh, count(n)) }}
}

// The ways to measure that need a number more.

func sends(producers int) func(open, int) (sample, error) {
	return func(o open, n int) (sample, error) { return o.sends(n, producers) }
}

func wakes(o open, n int) (sample, error) {
	return o.wakes(n, pause{2 * time.Millisecond, 12 * time.Millisecond})
}

// wakesSlowly is for River as it comes, which looks every 50 ms, and tells of no
// job that is sent within 100 ms of another.
func wakesSlowly(o open, n int) (sample, error) {
	return o.wakes(n, pause{110 * time.Millisecond, 210 * time.Millisecond})
}

func alone(n sizes) int    { return n.alone }
func few(n sizes) int      { return n.few }
func many(n sizes) int     { return n.many }
func looks(n sizes) int    { return n.looks }
func slowWake(n sizes) int { return n.slowWake }
func shallow(sizes) int    { return 1_000 }
func deep(n sizes) int     { return n.deep }
func crowd(n sizes) int    { return n.crowd }
