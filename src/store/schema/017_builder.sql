-- Where a build was begun the last time, as people call the machine: "this machine", or the first part of its host's name.
ALTER TABLE build ADD COLUMN builder TEXT;
