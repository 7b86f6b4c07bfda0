package main

// sizes say how much is measured.
type sizes struct {
	rounds   int
	jobs     int // timed, where one call does many
	calls    int // timed, where each call does one
	pending  int // in the memory row
	costly   int // pending jobs of a peer that needs a goroutine for each
	wakes    int // in the latency row
	slowWake int // the same for a peer that polls
	alone    int // timed, where each job waits for a sync of its own
	few      int // the same where some share one
	many     int // the same where many do
	looks    int // in the latency rows of stores on disk
	claims   int // in the rows of their worst claims
	deep     int // the larger backlog there
	crowd    int // backlog of the tenants there
	clients  int // who wait over HTTP
}

var (
	full  = sizes{rounds: 5, jobs: 50_000, calls: 200_000, pending: 300_000, costly: 20_000, wakes: 2_000, slowWake: 20, alone: 1_200, few: 10_000, many: 40_000, looks: 60, claims: 1_000, deep: 1_000_000, crowd: 100_000, clients: 10_000}
	short = sizes{rounds: 3, jobs: 20_000, calls: 50_000, pending: 300_000, costly: 20_000, wakes: 300, slowWake: 5, alone: 500, few: 4_000, many: 10_000, looks: 30, claims: 250, deep: 100_000, crowd: 20_000, clients: 2_000}
)

const (
	workers   = 100 // slots of a live consumer
	claimSize = 16  // jobs of a claim and of its settle, elsewhere
)
