package history

import (
	"time"

	"github.com/leat-go/leat/backends"
)

// drain brings every job to its end, as calm workers would, and sees that none
// is stuck: nothing that the history did may keep a job from ending, or a
// record from going when its time has come.
func (m *machine) drain() {
	m.Logf("the end: workers take all that is left")
	if m.op != nil {
		m.setPause("whatif", false)
		m.setPause("nightly", false)
		m.cancelHeld()
	}
	for range 20 * (len(m.jobs) + 5) {
		if len(m.s.Alive()) == 0 {
			break
		}
		m.work("whatif")
		m.work("nightly")
		m.cancelHeld()
	}
	m.lookAll(nil)
	if left := m.s.Alive(); len(left) > 0 {
		m.Fatalf("stuck: %v", left)
	}
	m.forget()
}

// cancelHeld ends collation jobs whose members never came.
func (m *machine) cancelHeld() {
	m.ripen(nil)
	if held := m.s.Held(); m.op != nil && len(held) > 0 {
		errs, err := m.op.Cancel(m.Context(), held)
		m.must(err)
		m.must(m.s.Cancelled(time.Now(), held, errs))
	}
}

// work claims what there is for an hour, commits it, and announces.
func (m *machine) work(queue string) {
	leases := m.claimFor(time.Hour+odd, backends.ClaimRequest{
		Queue: queue, Max: 10, Lease: time.Minute, CanAnnounce: backends.Event | backends.WriteBack,
	})
	for _, l := range leases {
		verb := backends.Settlement{Lease: l, Verb: backends.Announced}
		if l.Outcome == nil {
			m.say([]backends.Settlement{{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded}})
		}
		if l.Outcome != nil || m.s.Owes(l.Job.Ref) != 0 {
			m.say([]backends.Settlement{verb})
		}
		m.invariant(nil)
	}
	m.invariant(nil)
}

// forget lets all retention pass. Claims, which do the housekeeping, must then
// find time for each record.
func (m *machine) forget() {
	time.Sleep(2 * time.Hour)
	for range len(m.jobs) + 1 {
		for _, queue := range []string{"whatif", "nightly"} {
			m.claimFor(1, backends.ClaimRequest{Queue: queue, Max: 1, Lease: time.Second})
		}
		m.lookAll(nil)
		if len(m.s.Refs()) == 0 {
			return
		}
	}
	m.Fatalf("kept past their retention: %v", m.s.Refs())
}
