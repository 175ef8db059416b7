-- Merge groups and branches build, too; commands name attributes; what was built is pushed to caches.

-- run.base: the commit to compare with, where it is not the base branch's tip (a branch's last head, a merge group's base).
-- run.number: a pull request's; 0 a branch by itself; -N pull request N in the merge queue.
ALTER TABLE run ADD COLUMN head_ref TEXT;                     -- a merge group's ref
ALTER TABLE run ADD COLUMN asked TEXT;                        -- attributes that a command named, JSON array
ALTER TABLE run ADD COLUMN again INTEGER NOT NULL DEFAULT 0;  -- 1: targets are built once more and compared
CREATE INDEX run_branch_done ON run (repository, base_ref, id) WHERE number = 0 AND state = 'done';

-- "again": a build that was good is made once more, to see whether it comes out the same.
ALTER TABLE build ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
ALTER TABLE build ADD COLUMN deterministic INTEGER;           -- NULL: not known

ALTER TABLE command ADD COLUMN operator INTEGER NOT NULL DEFAULT 0; -- 1: given on the machine itself

-- Outputs of a derivation that are to be copied to a binary cache; the row goes when they are there.
CREATE TABLE push (
	id         INTEGER PRIMARY KEY,
	drv        TEXT NOT NULL,
	cache      TEXT NOT NULL,            -- as in ekaci.toml
	attempts   INTEGER NOT NULL DEFAULT 0,
	not_before INTEGER NOT NULL DEFAULT 0,
	error      TEXT,                     -- the last one
	created    INTEGER NOT NULL,
	UNIQUE (drv, cache)
) STRICT;
CREATE INDEX push_due ON push (not_before);
