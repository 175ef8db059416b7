-- Open pull requests of a repository beside each other (overlap/spaces.h), as they were compared last.
CREATE TABLE overlap (
	repository INTEGER NOT NULL,
	number     INTEGER NOT NULL,  -- of a pull request: JSON `overlap of a pull request`; 0: `pull requests beside each other`
	told       TEXT NOT NULL,
	PRIMARY KEY (repository, number)
) STRICT, WITHOUT ROWID;

-- Repositories of which something has changed since. It is the tables that say so, so that no way to change them can forget it; who
-- makes one of them anew makes its triggers anew.
CREATE TABLE overlap_due (
	repository INTEGER PRIMARY KEY,
	changes    INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TRIGGER overlap_run_new AFTER INSERT ON run WHEN new.number > 0 BEGIN
	INSERT INTO overlap_due (repository) VALUES (new.repository) ON CONFLICT DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER overlap_run AFTER UPDATE OF difference, verdict ON run
	WHEN new.number > 0 AND (new.difference IS NOT old.difference OR new.verdict IS NOT old.verdict) BEGIN
	INSERT INTO overlap_due (repository) VALUES (new.repository) ON CONFLICT DO UPDATE SET changes = changes + 1;
END;
CREATE TRIGGER overlap_pull AFTER UPDATE OF state ON pull_request WHEN new.state <> old.state BEGIN
	INSERT INTO overlap_due (repository) VALUES (new.repository) ON CONFLICT DO UPDATE SET changes = changes + 1;
END;
INSERT INTO overlap_due (repository) SELECT DISTINCT repository FROM pull_request WHERE state = 'open';
