-- An approval names a head, and what somebody said once is obeyed once.

-- When the head became the pull request's head, by GitHub's clock; 0: the pull request came with it. What is known from
-- before counts as pushed when we last heard of it, which is not earlier than it was.
ALTER TABLE pull_request ADD COLUMN head_since INTEGER NOT NULL DEFAULT 0;
UPDATE pull_request SET head_since = updated;

-- When the comment was written, by GitHub's clock; 0: there is none. The head that a button stood on, or the operator was shown.
ALTER TABLE command ADD COLUMN said INTEGER NOT NULL DEFAULT 0;
ALTER TABLE command ADD COLUMN head TEXT;
UPDATE command SET said = received WHERE comment IS NOT NULL;

-- Comments with commands that were taken, kept for ever: a delivery that is sent again under another GUID finds them.
CREATE TABLE comment_taken (
	repository INTEGER NOT NULL,
	comment    INTEGER NOT NULL,
	PRIMARY KEY (repository, comment)
) STRICT, WITHOUT ROWID;
INSERT INTO comment_taken SELECT DISTINCT repository, comment FROM command WHERE comment IS NOT NULL;

CREATE INDEX run_head ON run (repository, head);
