-- Why a run waits was one column of two meanings: that somebody must approve, and why an attempt is made again. A run that
-- must be approved waits after it has asked the store, or has ended; everywhere else it was tried again.
ALTER TABLE run ADD COLUMN held TEXT; -- why it does not go on until somebody approves, for people
UPDATE run SET held = waiting, waiting = NULL WHERE state IN ('queried', 'done');
