-- What ekaci remembers. Times are milliseconds since 1970, UTC. Object ids are 40 hex digits. JSON where a module
-- re-reads its own words; columns where anybody asks.

-- One webhook delivery. The body is kept (zstd) until it was processed; what GitHub sends again is known by its GUID.
CREATE TABLE delivery (
	id       INTEGER PRIMARY KEY,
	guid     TEXT NOT NULL UNIQUE,
	event    TEXT NOT NULL,
	body     BLOB,                    -- NULL once processed
	received INTEGER NOT NULL,
	state    TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'ignored', 'unreadable')),
	outcome  TEXT                     -- one line for people
) STRICT;
CREATE INDEX delivery_new ON delivery (id) WHERE state = 'new';
CREATE INDEX delivery_received ON delivery (received);

CREATE TABLE installation (
	id      INTEGER PRIMARY KEY,      -- GitHub's
	account TEXT,
	state   TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'deleted'))
) STRICT;

CREATE TABLE repository (
	id             INTEGER PRIMARY KEY, -- GitHub's: it survives renames
	installation   INTEGER NOT NULL REFERENCES installation (id),
	owner          TEXT NOT NULL,
	name           TEXT NOT NULL,
	clone_url      TEXT NOT NULL,
	default_branch TEXT NOT NULL,
	private        INTEGER NOT NULL
) STRICT;
CREATE INDEX repository_name ON repository (owner, name);

-- What the last event said of it. head -> pull request is looked up here, because events of forks do not carry it.
CREATE TABLE pull_request (
	repository   INTEGER NOT NULL REFERENCES repository (id),
	number       INTEGER NOT NULL,
	state        TEXT NOT NULL CHECK (state IN ('open', 'closed')),
	head         TEXT NOT NULL,
	base_ref     TEXT NOT NULL,
	title        TEXT NOT NULL,
	author       TEXT,                -- NULL: the account is gone
	association  TEXT,                -- author_association
	fork         INTEGER NOT NULL,
	draft        INTEGER NOT NULL,
	approved     TEXT,                -- the head somebody with write access approved
	priority     INTEGER NOT NULL DEFAULT 0,
	updated      INTEGER NOT NULL,
	PRIMARY KEY (repository, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX pull_request_head ON pull_request (head);

-- One head of a pull request on its way through the pipeline; walk/table.c has the table of states.
CREATE TABLE run (
	id          INTEGER PRIMARY KEY,
	repository  INTEGER NOT NULL REFERENCES repository (id),
	number      INTEGER NOT NULL,
	head        TEXT NOT NULL,
	base_ref    TEXT NOT NULL,
	state       TEXT NOT NULL,
	attempt     INTEGER NOT NULL DEFAULT 0,  -- of the present state
	not_before  INTEGER NOT NULL DEFAULT 0,
	reason      TEXT NOT NULL,               -- why it was asked for
	force       INTEGER NOT NULL DEFAULT 0,  -- 1: known failures are built again
	ignore_rules INTEGER NOT NULL DEFAULT 0, -- 1: evaluate whatever the rules say
	approved    INTEGER NOT NULL DEFAULT 0,  -- 1: wide or foreign work may be built
	waiting     TEXT,                        -- what it waits for, for people
	base        TEXT,
	mirrored    TEXT,                        -- record of the stage, JSON
	plan        TEXT,                        -- record of the stage, JSON
	evaluations TEXT,                        -- records of the stage, JSON array
	difference  TEXT,                        -- file
	counts      TEXT,                        -- JSON
	wide        INTEGER NOT NULL DEFAULT 0,
	query       TEXT,                        -- what is cached, to fetch, to build; JSON
	failure     TEXT,                        -- {stage, kind, message}, JSON
	verdict     TEXT,                        -- conclusion
	title       TEXT,
	superseded_by INTEGER,
	created     INTEGER NOT NULL,
	updated     INTEGER NOT NULL,
	ended       INTEGER,
	changes     INTEGER NOT NULL DEFAULT 1,  -- raised by whatever a report should show
	reported    INTEGER NOT NULL DEFAULT 0,  -- the change that the last report showed
	outside_ms  INTEGER NOT NULL DEFAULT 0   -- time spent in stages that are mostly Nix and git, for figures
) STRICT;
CREATE INDEX run_live ON run (id) WHERE ended IS NULL;
CREATE INDEX run_unreported ON run (id) WHERE reported < changes;
CREATE INDEX run_of ON run (repository, number, id);

CREATE TABLE run_event (
	id         INTEGER PRIMARY KEY,
	run        INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	at         INTEGER NOT NULL,
	from_state TEXT,
	to_state   TEXT NOT NULL,
	why        TEXT NOT NULL
) STRICT;
CREATE INDEX run_event_of ON run_event (run, id);

-- One derivation that some run wants built. Built once, however many want it.
CREATE TABLE build (
	id           INTEGER PRIMARY KEY,
	drv          TEXT NOT NULL UNIQUE,
	name         TEXT NOT NULL,
	system       TEXT NOT NULL,
	features     TEXT NOT NULL DEFAULT '[]',
	fixed_output INTEGER NOT NULL DEFAULT 0,
	state        TEXT NOT NULL CHECK (state IN ('waiting', 'queued', 'building', 'built', 'cached', 'failed',
	             'dependency_failed', 'timed_out', 'silent', 'log_limit', 'infrastructure', 'cancelled', 'unsupported')),
	pname        TEXT NOT NULL DEFAULT '',    -- name without version: whose durations are alike
	blocked      INTEGER NOT NULL DEFAULT 0,  -- inputs that are not there yet
	attempts     INTEGER NOT NULL DEFAULT 0,
	failures     INTEGER NOT NULL DEFAULT 0,  -- how often this very derivation failed by itself; built after: flaky
	not_before   INTEGER NOT NULL DEFAULT 0,
	absent_since INTEGER,                     -- since when no machine for it could be reached
	reason       TEXT,
	tail         TEXT,                        -- the lines of the log that matter
	phase        TEXT,                        -- in which it failed
	log          TEXT,                        -- file
	propagated_from TEXT,                     -- drv whose failure this is
	created      INTEGER NOT NULL,
	started      INTEGER,
	ended        INTEGER,
	wall_ms      INTEGER
) STRICT;
CREATE INDEX build_ready ON build (system, state) WHERE state IN ('queued', 'building');
CREATE INDEX build_open ON build (id) WHERE state IN ('waiting', 'queued', 'building');
CREATE INDEX build_ended ON build (ended) WHERE wall_ms > 0;

-- How long derivations of one name and system took, the last few times.
CREATE TABLE build_time (
	pname     TEXT NOT NULL,
	system    TEXT NOT NULL,
	median_ms INTEGER NOT NULL,
	spread_ms INTEGER NOT NULL,      -- median distance from the median
	samples   TEXT NOT NULL,         -- JSON array of milliseconds, oldest first
	updated   INTEGER NOT NULL,
	PRIMARY KEY (pname, system)
) STRICT, WITHOUT ROWID;

-- Runs whose wants have changed since the scheduler last looked; written with the change, gone when it was read.
CREATE TABLE build_change (
	run INTEGER PRIMARY KEY
) STRICT;

-- No foreign keys: they are written by the hundred thousand, and only for rows written in the same transaction.
CREATE TABLE build_input (
	build INTEGER NOT NULL,
	input INTEGER NOT NULL,
	PRIMARY KEY (input, build)
) STRICT, WITHOUT ROWID;

CREATE TABLE build_want (
	run    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	build  INTEGER NOT NULL REFERENCES build (id) ON DELETE CASCADE,
	target INTEGER NOT NULL,         -- 1: an attribute of the head; 0: only needed by one
	base   INTEGER NOT NULL DEFAULT 0, -- 1: asked of the base, to know whose failure it is
	base_drv TEXT,                     -- of a failed target: the base's derivation ('' when it has none)
	blame  TEXT CHECK (blame IN ('newly_failing', 'still_failing', 'unknown')),
	PRIMARY KEY (run, build)
) STRICT, WITHOUT ROWID;
CREATE INDEX build_want_build ON build_want (build);

-- A command from a comment or a button, until it was obeyed or refused.
CREATE TABLE command (
	id         INTEGER PRIMARY KEY,
	repository INTEGER NOT NULL REFERENCES repository (id),
	number     INTEGER NOT NULL,
	comment    INTEGER,                  -- comment id for the receipt; NULL for a button
	login      TEXT NOT NULL,
	verb       TEXT NOT NULL,
	words      TEXT NOT NULL,            -- JSON array: what followed the verb
	received   INTEGER NOT NULL,
	not_before INTEGER NOT NULL DEFAULT 0,
	attempts   INTEGER NOT NULL DEFAULT 0,
	done       INTEGER,
	outcome    TEXT
) STRICT;
CREATE INDEX command_open ON command (not_before) WHERE done IS NULL;

-- Desired state at GitHub: what we want to stand there, and how far we are. The sender makes it so.
CREATE TABLE desired (
	id           INTEGER PRIMARY KEY,
	key          TEXT NOT NULL UNIQUE,  -- "check/REPOSITORY/HEAD/NAME", "comment/REPOSITORY/NUMBER", ...
	kind         TEXT NOT NULL CHECK (kind IN ('check', 'comment', 'labels', 'reaction', 'reply')),
	installation INTEGER NOT NULL,
	owner        TEXT NOT NULL,
	repo         TEXT NOT NULL,
	repository   INTEGER NOT NULL,
	wanted       TEXT NOT NULL,         -- JSON, by kind (store/desired.h)
	generation   INTEGER NOT NULL,      -- raised when wanted changes
	posted       INTEGER NOT NULL DEFAULT 0, -- the generation that stands at GitHub
	remote_id    INTEGER,               -- of the check run or comment at GitHub
	remote       TEXT,                  -- what the sender remembers of it, JSON
	in_doubt     INTEGER NOT NULL DEFAULT 0, -- 1: something was sent that must not be sent twice, its answer is not recorded
	not_before   INTEGER NOT NULL DEFAULT 0,
	attempts     INTEGER NOT NULL DEFAULT 0, -- since it last went well
	error        TEXT,                  -- the last one
	given_up     INTEGER NOT NULL DEFAULT 0, -- the generation that GitHub refuses for good
	since        INTEGER NOT NULL,      -- since when something of it waits to be sent
	updated      INTEGER NOT NULL
) STRICT;
CREATE INDEX desired_open ON desired (installation, not_before) WHERE posted < generation AND given_up < generation;
