-- What did not page and was drawn for review: a few of each day, for 90 days.
CREATE TABLE near_miss (
  cluster TEXT NOT NULL,
  day TEXT NOT NULL,
  slot TEXT NOT NULL,
  finding_id TEXT NOT NULL,
  ts_ms INTEGER NOT NULL,
  score REAL NOT NULL,
  level REAL NOT NULL,
  detector TEXT NOT NULL,
  population INTEGER NOT NULL,
  weight REAL NOT NULL,
  PRIMARY KEY (cluster, day, slot)
) WITHOUT ROWID;
