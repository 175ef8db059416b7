-- What plots show: sums by hour and by day, written with what they count, so that nothing is ever added up over all builds.
--   evaluation  milliseconds from planned to evaluated             rebuilds  attributes that a pull request rebuilds
--   build       milliseconds a build took                          verdict   1: a pull request's run ended in success, 0: in anything else
--   wait        milliseconds from when a build might begin until it did
CREATE TABLE figure (
	repository INTEGER NOT NULL,  -- of a build, that of the newest run that wants it
	span       TEXT NOT NULL CHECK (span IN ('hour', 'day')),
	at         INTEGER NOT NULL,  -- when it begins
	what       TEXT NOT NULL CHECK (what IN ('evaluation', 'rebuilds', 'build', 'wait', 'verdict')),
	n          INTEGER NOT NULL,
	total      INTEGER NOT NULL,
	PRIMARY KEY (repository, span, at, what)
) STRICT, WITHOUT ROWID;

ALTER TABLE build ADD COLUMN ready INTEGER; -- since when it may begin; NULL: it waited already when this was not noted yet
