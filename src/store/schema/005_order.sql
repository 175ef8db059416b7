-- Events come late, twice and out of order.

-- updated_at of the newest event that counted, GitHub's clock; 0: not known. The head that the present one replaced.
ALTER TABLE pull_request ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pull_request ADD COLUMN head_before TEXT;

-- Pushes of the very second of `changed` that follow on one we have not been told of.
CREATE TABLE head_early (
	repository INTEGER NOT NULL,
	number     INTEGER NOT NULL,
	before     TEXT NOT NULL,
	head       TEXT NOT NULL,
	changed    INTEGER NOT NULL,
	PRIMARY KEY (repository, number, before)
) STRICT, WITHOUT ROWID;
