-- What people said of findings. A row is withdrawn, never deleted: what was decided while it stood has to stay explicable.
CREATE TABLE verdict (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  finding_id TEXT NOT NULL,
  -- The change that a standing "wrong" keeps, else NULL.
  change_seq INTEGER,
  change_ms INTEGER,
  data BLOB NOT NULL
);
CREATE INDEX verdict_by_finding ON verdict (finding_id);
CREATE INDEX verdict_keeps ON verdict (change_ms) WHERE change_seq IS NOT NULL;
