-- Nothing is lost: a refusal is no end, and what was missed is asked for.

-- Refusals in a row, until it goes well or somebody at the forge changes something. Since when it is parked: refused so often that it
-- is not tried again by itself; 0: it is not, or is given up for good.
ALTER TABLE desired ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE desired ADD COLUMN parked INTEGER NOT NULL DEFAULT 0;
UPDATE desired SET parked = updated WHERE posted < generation AND given_up >= generation;
CREATE INDEX desired_parked ON desired (parked) WHERE parked > 0;

-- How far what stands at the forge was compared with what is known here. pulls: the newest change of a pull request that was
-- seen, the forge's clock; 0: all open ones are to be looked at. The tags are those of answers that need not be sent again.
CREATE TABLE compared (
	repository INTEGER PRIMARY KEY REFERENCES repository (id),
	pulls      INTEGER NOT NULL DEFAULT 0,
	pulls_tag  TEXT,
	branch     TEXT,                     -- the default branch's head
	branch_tag TEXT,
	queue_tag  TEXT
) STRICT;

-- Failed deliveries up to this time were asked for again, the forge's clock.
CREATE TABLE asked_again (
	host TEXT PRIMARY KEY,
	upto INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a superseded run had begun to build goes on until the run that replaced it knows whether it wants it, too.
CREATE INDEX run_superseded ON run (superseded_by) WHERE superseded_by IS NOT NULL;
