-- Commits of merge groups that are not in the queue any more. `checks_requested` may be told after `destroyed`, and by whoever kept it at
-- any time: kept for ever, as the ids of comments are.
CREATE TABLE group_gone (
	repository INTEGER NOT NULL REFERENCES repository (id),
	head       TEXT NOT NULL,
	PRIMARY KEY (repository, head)
) STRICT, WITHOUT ROWID;
