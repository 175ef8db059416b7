-- Who is trusted, what labels ask for, and two more things that stand at a forge.

-- Whose the head's repository is: its owner can push what nobody has looked at; NULL: not known, or it is gone. Whether the author
-- was in a team that the settings trust when it was last asked; whether it has the label that says to leave it alone.
ALTER TABLE pull_request ADD COLUMN head_owner TEXT;
ALTER TABLE pull_request ADD COLUMN in_team INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pull_request ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;

-- The label that asked for it, NULL: a comment, a button or the operator. The newest time at which a label was taken for what it
-- asks, the forge's clock: what is told again is not obeyed again.
ALTER TABLE command ADD COLUMN label TEXT;
CREATE TABLE label_taken (
	repository INTEGER NOT NULL,
	number     INTEGER NOT NULL,
	label      TEXT NOT NULL,
	at         INTEGER NOT NULL,
	PRIMARY KEY (repository, number, label)
) STRICT, WITHOUT ROWID;

-- A commit status, and people asked for a review: kinds that the table did not allow.
CREATE TABLE desired_new (
	id           INTEGER PRIMARY KEY,
	key          TEXT NOT NULL UNIQUE,
	kind         TEXT NOT NULL
		CHECK (kind IN ('check', 'comment', 'labels', 'reaction', 'reply', 'status', 'reviewers')),
	installation INTEGER NOT NULL,
	owner        TEXT NOT NULL,
	repo         TEXT NOT NULL,
	repository   INTEGER NOT NULL,
	wanted       TEXT NOT NULL,
	generation   INTEGER NOT NULL,
	posted       INTEGER NOT NULL DEFAULT 0,
	remote_id    INTEGER,
	remote       TEXT,
	in_doubt     INTEGER NOT NULL DEFAULT 0,
	not_before   INTEGER NOT NULL DEFAULT 0,
	attempts     INTEGER NOT NULL DEFAULT 0,
	error        TEXT,
	given_up     INTEGER NOT NULL DEFAULT 0,
	since        INTEGER NOT NULL,
	updated      INTEGER NOT NULL,
	urgency      INTEGER NOT NULL DEFAULT 0,
	quiet_until  INTEGER NOT NULL DEFAULT 0,
	stands       TEXT,
	refusals     INTEGER NOT NULL DEFAULT 0,
	parked       INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO desired_new (id, key, kind, installation, owner, repo, repository, wanted, generation, posted, remote_id, remote,
	in_doubt, not_before, attempts, error, given_up, since, updated, urgency, quiet_until, stands, refusals, parked)
	SELECT id, key, kind, installation, owner, repo, repository, wanted, generation, posted, remote_id, remote,
	in_doubt, not_before, attempts, error, given_up, since, updated, urgency, quiet_until, stands, refusals, parked FROM desired;
DROP TABLE desired;
ALTER TABLE desired_new RENAME TO desired;
CREATE INDEX desired_open ON desired (installation, not_before) WHERE posted < generation AND given_up < generation;
CREATE INDEX desired_parked ON desired (parked) WHERE parked > 0;

-- When it is to be asked whether the pull request, in conflict with its base when it was last compared, still is; 0: not.
ALTER TABLE pull_request ADD COLUMN recheck INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pull_request ADD COLUMN recheck_tries INTEGER NOT NULL DEFAULT 0;
CREATE INDEX pull_request_recheck ON pull_request (recheck) WHERE recheck > 0;
