-- A build whose outputs are there, though they say of themselves that it failed (nix-support/failed, as Hydra has it): a failure
-- for who asked for it, and good enough for what needs it.
ALTER TABLE build ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;
