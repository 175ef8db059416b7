-- What goes first at the forge, and what is left of its patience with us.

-- How soon somebody waits for it: 0 a conclusion, 1 an answer, 2 a first report, 3 progress (store/desired.h).
ALTER TABLE desired ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0;
-- Progress is not sent before.
ALTER TABLE desired ADD COLUMN quiet_until INTEGER NOT NULL DEFAULT 0;
-- The document that surely stands there, or NULL: none, or it is being written.
ALTER TABLE desired ADD COLUMN stands TEXT;

-- No request of an installation before this: the forge said so. Without a row: it said nothing.
CREATE TABLE told_to_wait (
	installation INTEGER PRIMARY KEY,
	until        INTEGER NOT NULL
) STRICT;
-- Each write of the last hour: the forge counts them.
CREATE TABLE written (
	id           INTEGER PRIMARY KEY,
	installation INTEGER NOT NULL,
	at           INTEGER NOT NULL
) STRICT;
CREATE INDEX written_at ON written (installation, at);
