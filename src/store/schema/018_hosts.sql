-- Several hosts, and several Apps of one: ids of the first stand as they are, those of others above them (store/hosts.h).

CREATE TABLE host (
	number INTEGER PRIMARY KEY,         -- for ever
	name   TEXT NOT NULL UNIQUE,        -- of its [[github]]; '': the first
	api    TEXT NOT NULL DEFAULT '',    -- for people
	named  INTEGER NOT NULL DEFAULT 1,  -- 0: the settings do not name it any more, so nobody tells us of what is there
	since  INTEGER NOT NULL DEFAULT 0   -- when that changed
) STRICT;
INSERT INTO host (number, name) VALUES (0, '');

-- What is there is the first's, so that an id says whose it is.
ALTER TABLE installation DROP COLUMN host;
ALTER TABLE repository DROP COLUMN host;
ALTER TABLE delivery DROP COLUMN host;
ALTER TABLE delivery ADD COLUMN host INTEGER NOT NULL DEFAULT 0; -- guid: of others than the first "NUMBER/GUID"

CREATE TABLE asked_again_new (
	host INTEGER PRIMARY KEY,
	upto INTEGER NOT NULL
) STRICT;
INSERT INTO asked_again_new (host, upto) SELECT 0, max(upto) FROM asked_again WHERE host <> '' HAVING max(upto) IS NOT NULL;
DROP TABLE asked_again;
ALTER TABLE asked_again_new RENAME TO asked_again;
