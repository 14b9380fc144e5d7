-- How often a verdict made the difference, so that one that never does can be seen. What was decided before this is not counted.
CREATE TABLE verdict_hit (
  verdict_id TEXT PRIMARY KEY,
  muted INTEGER NOT NULL,
  raised INTEGER NOT NULL,
  -- Event time of the newest finding that it decided.
  last_ms INTEGER NOT NULL
) WITHOUT ROWID;
