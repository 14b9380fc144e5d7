-- What is old keeps less: `tier` is 0 for every change, 1 for the last change of an object and day, 2 for what is kept as evidence and the
-- newest state only. Spans are worked off block by block.
ALTER TABLE span ADD COLUMN tier INTEGER NOT NULL DEFAULT 0;
ALTER TABLE block ADD COLUMN tier INTEGER NOT NULL DEFAULT 0;

-- How many changes were let go of by day (days since the epoch, UTC), so that frequencies remain when revisions do not.
CREATE TABLE change_daily (
  day INTEGER NOT NULL,
  resource_id INTEGER NOT NULL,
  namespace_id INTEGER NOT NULL,
  actor_set_id INTEGER NOT NULL,
  changes INTEGER NOT NULL,
  PRIMARY KEY (day, resource_id, namespace_id, actor_set_id)
) WITHOUT ROWID;
