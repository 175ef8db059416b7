-- What is told late or again changes nothing, and what died with us is no failure.

-- Commits of merge groups that are not in the queue any more. `checks_requested` may be told after `destroyed`, and by whoever kept it at
-- any time: kept for ever, as the ids of comments are.
CREATE TABLE group_gone (
	repository INTEGER NOT NULL REFERENCES repository (id),
	head       TEXT NOT NULL,
	PRIMARY KEY (repository, head)
) STRICT, WITHOUT ROWID;

-- Of attempts of the present state: that the forge refused, in a row, and that failed otherwise. `attempt` counts all that were begun, those that died with
-- the bot among them.
ALTER TABLE run ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
UPDATE run SET failures = attempt WHERE ended IS NULL;
