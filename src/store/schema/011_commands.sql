-- Commands: how many of whom, what each may, and which reply has the answers.

-- What is said to it in a reply, or NULL. thread: the comment after which the reply is named that has it, its own or an
-- earlier one that asked the same and after which nobody else said anything; NULL: its own.
ALTER TABLE command ADD COLUMN answer TEXT;
ALTER TABLE command ADD COLUMN thread INTEGER;
CREATE INDEX command_by ON command (login COLLATE NOCASE, received);
CREATE INDEX command_comment ON command (comment) WHERE comment IS NOT NULL;

-- The question that stands last on a pull request, of those that may be answered where an earlier one was.
CREATE TABLE question (
	repository INTEGER NOT NULL,
	number     INTEGER NOT NULL,
	login      TEXT NOT NULL COLLATE NOCASE,
	asked      TEXT NOT NULL,    -- its commands with their words
	thread     INTEGER NOT NULL, -- see command
	at         INTEGER NOT NULL,
	PRIMARY KEY (repository, number)
) STRICT, WITHOUT ROWID;

-- What the forge said last of what somebody may.
CREATE TABLE permission (
	repository INTEGER NOT NULL,
	login      TEXT NOT NULL COLLATE NOCASE,
	permission TEXT NOT NULL,
	told       INTEGER NOT NULL,
	PRIMARY KEY (repository, login)
) STRICT, WITHOUT ROWID;
