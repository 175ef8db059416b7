-- Where a build was begun the last time, as people call the machine: "this machine", or the first part of its host's name.
ALTER TABLE build ADD COLUMN builder TEXT;
-- What the first page, the page of a run that goes on, ekaci status and a start ask for among all builds that there ever were.
CREATE INDEX build_at_work ON build (started) WHERE state = 'building';
CREATE INDEX build_put_back ON build (id) WHERE state = 'queued' AND reason IS NOT NULL;
