// Package sqlite is the Backend that lives in one file: durable, shared by the processes
// of one machine, and without a server. It holds the whole contract.
//
//	b, err := backends.Open(ctx, "sqlite:///var/lib/shop/jobs.db?queue=whatif")
//	b, err := sqlite.New(ctx, db, sqlite.Options{})   // in a *sql.DB of the program's own
//
// sqlite:///path is absolute, sqlite://path is below the working directory. The file is
// made if there is none, for its owner alone (0600): it holds args, results and the key
// of all ids. One that is there keeps its mode, which the -wal and -shm files get too. Its
// folder is not made. Parameters:
//
//	synchronous   full (the default): a commit waits for the disk; normal: for the kernel; extra, off
//	busy          how long a call waits for the lock of another program, then ErrLocked; 10s
//	prefix        begins the names of tables, for several stores in one file; leat_
//	migrate       false leaves the schema to somebody else and only checks it
//	anyfs         true takes a network file system, at your own risk
//
// # How it works
//
//	              ┌ group commit: one BEGIN IMMEDIATE … COMMIT ┐    ┌ jobs.db ──────────────────────┐
//	Enqueue ──────┤ for all calls that came meanwhile          │    │ leat_jobs: a row per job      │
//	Claim ────────┤                                            ├───▶│   turn   by line and tenant   │
//	Settle, … ────┘                                            │    │   at     what comes later     │
//	Lookup, List ◀── beside the writer, from a snapshot ─────────── │ jobs.db-wal   commits         │
//	blocked calls ◀── has anybody committed? 4 bytes, no query ──── │ jobs.db-shm   their counter   │
//	                                                                └───────────────────────────────┘
//
// A job and its record are one row, and each step of its life is one conditional write
// to it, on token, generation and state. A lease remembers its row, so that settling it
// reads nothing. What can be claimed now stands in a line, of one kind, resource and
// debt; one partial index holds the lines by tenant, and a claim goes round the tenants
// by seeking the next one in it. It costs what it claims, whatever the backlog or the
// number of tenants. All that comes later (delays, retries, ends of leases, retention)
// is one partial index on time, looked at by whoever claims; there is no sweeper.
//
// Each process has one connection that writes. Processes share the file and nothing
// else, and take turns at its lock; caps, rates, pauses and turns hold across them.
// Inside a process a commit wakes who waits for it. Commits of others are seen by reading
// the counter in the -shm file, every 5 to 20 ms, and only while somebody is blocked. Then
// blocked claims look again, and for all blocked lookups together one query per
// thousand reads the versions of their records: those that are newer are read, once for
// all who wait for them. Such glances take a tenth of the time at most.
//
// Time is the wall clock, which the processes share, but for its jumps: a jump ahead is
// held back for 10 s, so that leases can be renewed first, and where the wall clock is set
// back, time goes on at half speed until the two meet.
//
// [Tx] has a job, or its outcome, join a transaction of the caller's on the same file.
//
// # What is promised
//
// What a call has acknowledged survives the death of any process, and with
// synchronous=full the loss of power, as far as the disk keeps its word
// (Features.Durability is Disk). With normal or off the last commits may be lost with
// the power, never the file's integrity with normal; the level is Kernel then.
//
// What SQLite can't: more than one writer at a time, so that the disk's fsync bounds all
// processes together, and network file systems, which Open refuses (ErrNetwork).
// Errors of the file match ErrFull, ErrLocked, ErrCorrupt and the others; after
// one of them a call may be repeated.
//
// # Operations
//
// Backup while programs run: VACUUM INTO '/backup/jobs.db' in the sqlite3 shell, or its
// .backup. Don't copy jobs.db alone: what was committed last is in jobs.db-wal. Stop all
// programs, or restore both; a restored file brings back the jobs of its time, and
// those that had ended since run again. The -wal file is written back at every few MB; it
// grows while a reader stays in one transaction, so keep those short, and shrinks
// when the last program closes. All three files belong together, and to one user.
//
// A look with the shell, sqlite3 -readonly jobs.db (times are nanoseconds since 1970;
// states 1 waiting, 2 running, 3 succeeded, 4 dead, 5 cancelled, 6 superseded, 7 expired):
//
//	SELECT q.name, j.state, count(*) FROM leat_jobs AS j JOIN leat_queues AS q ON q.id = j.queue GROUP BY 1, 2;
//	SELECT tenant, count(*) FROM leat_jobs WHERE state = 1 GROUP BY tenant ORDER BY 2 DESC LIMIT 10;
//	SELECT tenant, id, attempt, datetime(at / 1000000000, 'unixepoch') FROM leat_jobs WHERE state = 2;
//	SELECT tenant, attempt, json_extract(more, '$.failures[0].Text') FROM leat_jobs WHERE state = 4;
//
// Change nothing there: use the verbs of a queue.Queue.
//
// # Migrations
//
// The schema comes in numbered steps, up and down. Open brings the file to the newest, in
// one transaction; programs one version apart work on one file, and an older one refuses
// what it can't understand (ErrSchema). [Migrations] prints the SQL for who would rather
// run it by a tool of their own, with migrate=false; [Migrate] goes to any version.
package sqlite
