-- A check belongs to its pull request and to its commit, and repositories change.

-- The check of one name as one run alone would have it. What stands on the commit is the worst of the open pull requests.
CREATE TABLE run_check (
	run    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	name   TEXT NOT NULL,
	wanted TEXT NOT NULL,             -- JSON, a wish_check
	PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO run_check (run, name, wanted)
	SELECT r.id, json_extract(d.wanted, '$.name'), d.wanted FROM desired d
	JOIN run r ON r.id = CAST(substr(json_extract(d.wanted, '$.external_id'), 5) AS INTEGER)
	WHERE d.kind = 'check' AND json_valid(d.wanted) AND json_extract(d.wanted, '$.external_id') LIKE 'run/%'
	AND json_extract(d.wanted, '$.name') IS NOT NULL;

-- since: when we were told of the state, our clock; changed: updated_at of what counted, the forge's clock, 0: not known;
-- listed: updated_at of the installation that last added or removed it; links: signed links made before it grew are void.
ALTER TABLE repository ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
	CHECK (state IN ('active', 'archived', 'removed', 'deleted'));
ALTER TABLE repository ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repository ADD COLUMN links INTEGER NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;

-- stopped: it ended because nothing may be done for its repository, and is made again when something may.
-- nix: whether base or head has anything that is Nix; NULL: not known yet.
ALTER TABLE run ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN nix INTEGER;
UPDATE run SET nix = 1 WHERE plan IS NOT NULL;
CREATE INDEX run_stopped ON run (repository) WHERE stopped;
