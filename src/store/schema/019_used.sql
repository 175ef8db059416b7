-- Building time that has ended, by hour and pull request (a number as in run), which the queue is fair by: a start reads this, and not
-- the builds. Hours older than three days weigh nothing and go.
CREATE TABLE build_used (
	hour       INTEGER NOT NULL, -- since 1970
	repository INTEGER NOT NULL,
	number     INTEGER NOT NULL,
	ms         INTEGER NOT NULL,
	PRIMARY KEY (hour, repository, number)
) STRICT, WITHOUT ROWID;
INSERT INTO build_used (hour, repository, number, ms)
	SELECT hour, repository, number, sum(wall_ms) FROM (SELECT DISTINCT r.repository, r.number, b.id, b.ended / 3600000 AS hour, b.wall_ms
		FROM build b JOIN build_want w ON w.build = b.id JOIN run r ON r.id = w.run
		WHERE b.wall_ms > 0 AND b.ended > (unixepoch() - 3 * 86400) * 1000) GROUP BY hour, repository, number;
DROP INDEX build_ended;
