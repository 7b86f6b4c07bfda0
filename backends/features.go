package backends

import "time"

// Features are the constant facts of one opened Backend: data, not optional
// interfaces, so that a decorator can't lose them and a table can be printed
// from them. backendtest proves each that is claimed, and that each that isn't
// answers errors.ErrUnsupported or is empty.
type Features struct {
	Name       string     // "memory", "sqlite", "sqs+dynamodb"
	Durability Durability // of an acknowledged write

	Shared  bool // several processes may open it at once
	Queues  bool // one Backend serves many queue names; else the first call binds it, and another name is ErrUnsupported
	Records bool // status, result, cancel, key, supersede, batch, fencing, crash count

	Fair       bool // claims go round the tenants (R11)
	Prompt     bool // a blocked Claim or Lookup wakes at once, and ends that the store writes show at once; else soon
	Backlog    bool // Policy.Backlog and Tenancy.Backlog refuse
	SharedCaps bool // caps and rates hold across processes; else that of the queue in each process, and those of tenants and resources nowhere
	Priority   bool // Job.Priority orders jobs of a tenant
	Ordered    bool // due, then order, inside a tenant and priority; else about so
	Kinds      bool // unknown kinds wait in the store; else the worker snoozes them

	// CountsMembers: a batch counts its members as they are created and end. Else
	// they are found by index: they must have ids by MemberID, the collation job
	// starts soon after the last end, and BatchProgress is a lower bound.
	CountsMembers bool

	KeepsPayload bool // Record.Job.Payload is there from Enqueue on; else only of dead letters, and a redrive before is ErrNotReady

	Stats      bool // Operator.Stats answers
	ExactStats bool // and counts exactly; else about so
	Lists      bool // Operator.List and Purge answer
	Pauses     bool // Operator.Pause answers

	MaxPayload int           // bytes of a payload; 0 = unlimited
	MaxResult  int           // bytes of a result; 0 = unlimited
	MaxDelay   time.Duration // longest delay that costs nothing extra; 0 = unlimited
	MaxWait    time.Duration // longest life of a waiting job; 0 = unlimited
	MaxLease   time.Duration // longest lease; 0 = unlimited
	Tick       time.Duration // spans are rounded up to it; 0 = exact
	MaxBatch   int           // jobs of one Enqueue that make one write; 0 = unlimited

	// ClaimBatch is how many jobs one request of a claim brings, where requests cost
	// money: a busy worker lets some slots fall free before it asks; 0 = no matter.
	ClaimBatch int

	// HardLease: a lease that has lapsed is lost, though nobody took the job yet. Else
	// a holder that was silent for too long may renew it.
	HardLease bool

	CheapExtend bool // beats may come every 2 s; else every third of the lease
}

// Durability is what an acknowledged write survives.
type Durability uint8

const (
	// Process: nothing; it is gone with the process.
	Process Durability = iota + 1
	// Kernel: the death of the process, not that of the machine.
	Kernel
	// Disk: the loss of power.
	Disk
	// Replicated: the loss of a machine.
	Replicated
)

func (d Durability) String() string {
	return name(d, "unknown", "process", "kernel", "disk", "replicated")
}
