-- How large what was built is, and what it says of itself (hydra-metrics), as each run found it: what plots of a derivation's page show. It
-- goes with its run.
CREATE TABLE measure (
	build INTEGER NOT NULL REFERENCES build (id) ON DELETE CASCADE,
	run   INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	what  TEXT NOT NULL,  -- 'output', 'closure', or 'metric ' and its name
	unit  TEXT NOT NULL,  -- 'bytes', or the metric's
	base  REAL,           -- NULL: that side has none
	head  REAL,
	PRIMARY KEY (build, run, what, unit)
) STRICT, WITHOUT ROWID;
CREATE INDEX measure_run ON measure (run);
