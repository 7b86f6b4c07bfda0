-- Queues, and the policy in force of each. Names that start with leat_ are
-- replaced by the prefix of the store.
CREATE TABLE leat_queues (
	id      INTEGER PRIMARY KEY,
	name    TEXT    NOT NULL UNIQUE,
	version INTEGER NOT NULL DEFAULT 0, -- of the policy
	policy  TEXT,                       -- JSON; NULL = nobody has said
	paused  INTEGER NOT NULL DEFAULT 0,
	dropped INTEGER NOT NULL DEFAULT 0, -- debts given up
	waiting INTEGER,                    -- jobs that wait, kept while a limit needs it, as leat_backlogs
	heard   INTEGER NOT NULL DEFAULT 0  -- last sign of a worker that knows all kinds
) STRICT;

-- What a worker may take or not: the jobs of one kind that use one resource
-- (owes = 0), or the ended jobs that owe one debt.
CREATE TABLE leat_lines (
	id       INTEGER PRIMARY KEY,
	queue    INTEGER NOT NULL,
	kind     TEXT    NOT NULL,
	owes     INTEGER NOT NULL,
	resource TEXT    NOT NULL,
	UNIQUE (queue, kind, owes, resource)
) STRICT;

-- A job and its record are one row. Times are nanoseconds since 1970 by the store's
-- clock.
CREATE TABLE leat_jobs (
	seq        INTEGER PRIMARY KEY, -- order of creation: a time, made unique
	queue      INTEGER NOT NULL,
	class      INTEGER NOT NULL,    -- the line of its kind and resource
	tenant     TEXT    NOT NULL,
	id         TEXT    NOT NULL,
	hash       INTEGER NOT NULL UNIQUE, -- of tenant and id (hash.go)
	line       INTEGER,             -- the line where it stands to be claimed now; NULL = none
	room       INTEGER,             -- else 1 due later, 2 leased, 3 ended, 4 dead; NULL: it waits for other jobs
	rank       INTEGER NOT NULL,    -- -priority
	place      INTEGER NOT NULL,    -- the due it waited with, which orders the line
	at         INTEGER NOT NULL,    -- when it is due; in rooms 3 and 4 when it ended
	state      INTEGER NOT NULL,    -- 1 waiting 2 running 3 succeeded 4 dead 5 cancelled 6 superseded 7 expired
	flags      INTEGER NOT NULL,    -- see flags.go
	attempt    INTEGER NOT NULL,
	crashes    INTEGER NOT NULL,
	generation INTEGER NOT NULL,
	token      INTEGER NOT NULL,
	version    INTEGER NOT NULL,    -- grows with every visible change
	created    INTEGER NOT NULL,
	deadline   INTEGER NOT NULL,    -- of this life; 0 = none
	ended      INTEGER NOT NULL,    -- 0 = it lives
	supersede  TEXT,                -- place that only the newest job holds
	member     TEXT,                -- batch that it is a member of: the collation job's tenant, NUL, id
	spec       TEXT,                -- JSON: what else the producer said
	more       TEXT,                -- JSON: what few records have
	payload    BLOB,
	result     BLOB
) STRICT;

-- Whose turn is it: those that may be claimed, by line and tenant. The state is there
-- for counting only.
CREATE INDEX leat_jobs_turn ON leat_jobs (line, tenant, rank, place, seq, state) WHERE line IS NOT NULL;

-- What comes later: one index for schedule, retry, rescue, announce and retention.
CREATE INDEX leat_jobs_at ON leat_jobs (queue, room, at, state) WHERE room IS NOT NULL;

-- Those that wait for other jobs.
CREATE INDEX leat_jobs_held ON leat_jobs (queue, at, place) WHERE line IS NULL AND room IS NULL;

CREATE INDEX leat_jobs_deadline ON leat_jobs (queue, deadline) WHERE state = 1 AND deadline > 0;
CREATE INDEX leat_jobs_place ON leat_jobs (queue, tenant, supersede) WHERE supersede IS NOT NULL AND state < 3;
CREATE INDEX leat_jobs_member ON leat_jobs (member, seq) WHERE member IS NOT NULL;
CREATE INDEX leat_jobs_dead ON leat_jobs (queue, seq) WHERE state = 4;

-- Who holds a place: the newest job that asked for it.
CREATE TABLE leat_places (
	queue     INTEGER NOT NULL,
	tenant    TEXT    NOT NULL,
	supersede TEXT    NOT NULL,
	seq       INTEGER NOT NULL,
	id        TEXT    NOT NULL,
	trailing  INTEGER NOT NULL,
	jobs      INTEGER NOT NULL, -- of any state
	PRIMARY KEY (queue, tenant, supersede)
) STRICT, WITHOUT ROWID;

-- Which tenant was served last, by what claims ask for.
CREATE TABLE leat_turns (
	queue  INTEGER NOT NULL,
	asks   TEXT    NOT NULL,
	tenant TEXT    NOT NULL,
	served INTEGER NOT NULL, -- jobs of this turn
	PRIMARY KEY (queue, asks)
) STRICT, WITHOUT ROWID;

-- Signs of workers that know a kind.
CREATE TABLE leat_kinds (
	queue INTEGER NOT NULL,
	kind  TEXT    NOT NULL,
	heard INTEGER NOT NULL,
	PRIMARY KEY (queue, kind)
) STRICT, WITHOUT ROWID;

-- How many jobs wait, by tenant, for queues whose policy has a limit.
CREATE TABLE leat_backlogs (
	queue   INTEGER NOT NULL,
	tenant  TEXT    NOT NULL,
	waiting INTEGER NOT NULL,
	PRIMARY KEY (queue, tenant)
) STRICT, WITHOUT ROWID;

-- Token buckets of queues, tenants and resources that have a rate.
CREATE TABLE leat_meters (
	name   TEXT PRIMARY KEY,
	tokens REAL    NOT NULL,
	filled INTEGER NOT NULL, -- when tokens was right
	full   INTEGER NOT NULL  -- when it may be forgotten
) STRICT, WITHOUT ROWID;

CREATE INDEX leat_meters_full ON leat_meters (full);

CREATE TABLE leat_resources (
	name    TEXT PRIMARY KEY,
	version INTEGER NOT NULL,
	cap     TEXT    NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE leat_cells (
	key     TEXT PRIMARY KEY,
	value   BLOB    NOT NULL,
	version INTEGER NOT NULL,
	expire  INTEGER NOT NULL -- 0 = never
) STRICT, WITHOUT ROWID;

-- Numbers that only rise.
CREATE TABLE leat_counters (
	name  TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO leat_counters VALUES ('cells', 0), ('order', 0);
