-- How good an estimate was: what each build was thought to take when a run asked for it, and whether it had ended before.

ALTER TABLE build_want ADD COLUMN expected_ms INTEGER;                  -- NULL: nobody knew
ALTER TABLE build_want ADD COLUMN before INTEGER NOT NULL DEFAULT 0;
