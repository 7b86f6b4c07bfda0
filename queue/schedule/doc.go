// Package schedule enqueues jobs by the clock, once per tick in a cluster, without
// a leader (R15).
//
//	nightly := schedule.New(q, "nightly")
//	nightly.Cron, nightly.Location = "30 2 * * *", berlin
//	nightly.Args = func(ctx context.Context, t schedule.Tick) (Job, error) { return Job{Day: t.At}, nil }
//	err := worker.Run(ctx, w, nightly)
//
// Every node runs every schedule, and any node may fire a tick:
//
//	node 1 ──┐  read the cell: last = 25th 02:30; due: 26th 02:30
//	node 2 ──┼─▶ Enqueue with the tick's key ──▶ a job, or a duplicate of it
//	node 3 ──┘  raise last to 26th 02:30, by compare-and-set
//
// The key is made of the schedule's name, its zone and the tick as the wall clock
// shows it, so that all nodes make the same job, and one that died between the two
// writes is followed by another that makes it again: a duplicate. Only ticks later
// than the last one fire. Nodes wake up to a second apart, at random, so that most
// ticks cost one Enqueue and one write, and each other node one read.
//
// # When
//
// Cron has the five classic fields: minute, hour, day of month, month, day of week
// (0 and 7 are Sunday), with lists, ranges, steps and English names, or @hourly,
// @daily (@midnight), @weekly, @monthly, @yearly (@annually). Where both days are
// restricted (are not *), either will do, as in crontab(5). There are no seconds:
// Every is for what comes more often. An expression that no date meets is refused.
//
// An expression speaks of the wall clock in Location, and is right through its
// changes:
//
//   - Clocks go forward: a time that is left out fires as long after the change as
//     it would have been after the skipped hour's start: where 02:00 becomes 03:00,
//     the 02:30 of that day is at 03:30. What falls on a tick that is there anyway
//     is one with it.
//   - Clocks go back: a time that comes twice fires the first time. If the expression
//     has all 24 hours (*, 0-23), it fires both times: it means every hour.
//
// Every counts real time from 1970 in UTC, whatever clocks show.
//
// # What was missed
//
// When no node was up, or the store was down, CatchUp decides: the newest tick alone
// (the default), the newest n, or none. What does not fire is counted
// ([State.Missed]). No more than the last 366 days are looked at. A new schedule, and
// one whose Cron, Every or Location has changed, begins when the first node with the change
// starts: it does not fire its past. While a deploy rolls, old and new nodes each fire
// their own ticks; a node that starts then begins at that time, for both.
//
// # Clocks
//
// A tick is due by the wall clock of its node. Its job is due at the tick by the
// store's clock, so that a node whose clock is fast enqueues early and starts nothing early
// (where Options have no At of their own). A clock that is slow is harmless while
// another one is right. A clock that is far ahead raises the last tick to its own
// time, and nothing fires until then: this is logged, and [Schedule.Reset] ends it.
//
// # Not promised
//
// A tick makes one job; the job is delivered at least once, as any other. One job
// holds in two ways. After the last tick is raised, it is past for good, however short
// retention is. Before, the key holds it, for as long as the queue keeps ended jobs: if
// all nodes die between the two writes and come back when the job has ended and its
// retention (24 h by default; Queue.Keep and Purge cut it short) is over, they fire
// that tick again, if CatchUp still wants it. A node that reads the cell and is
// frozen longer than that before it enqueues would too; therefore a Retention under
// five minutes is refused, and a fire is given up a minute after its read. The key is
// of the tenant and queue: if Options name another tenant in a second program, the two don't know
// each other's jobs in that window.
//
// Between those two writes State may lag a moment behind, and where clocks differ by more
// than the ticks, a tick may be counted as missed that another node was about to
// fire: it is then late, after a newer one.
package schedule
