-- The changes of an object become a chain that is followed from its newest one, in place of an index whose pages every change touched at
-- random. `ordinal` counts the object's changes from 1, `previous` is how many changes of the whole log further back the one before lies,
-- `jump` the same for the one whose ordinal lacks the lowest set bit of this one's; it is left out where that is `previous` (odd ordinals) or
-- nothing. With both, any place in a history of n changes is some log2(n)^2 / 2 steps away at most.
CREATE TABLE change_chained (
  seq INTEGER PRIMARY KEY,
  life_id INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  observed_ms INTEGER NOT NULL,
  rv INTEGER NOT NULL,
  generation INTEGER,
  actor_set_id INTEGER NOT NULL,
  pathset_id INTEGER,
  ordinal INTEGER NOT NULL,
  previous INTEGER,
  jump INTEGER
);
INSERT INTO change_chained
SELECT seq, life_id, flags, observed_ms, rv, generation, actor_set_id, pathset_id, ordinal, seq - lag(seq) OVER of_object,
  CASE WHEN ordinal % 2 = 0 THEN seq - lag(seq, ordinal & -ordinal) OVER of_object END
FROM (
  SELECT c.*, l.object_id, row_number() OVER (PARTITION BY l.object_id ORDER BY c.seq) AS ordinal
  FROM change c JOIN life l ON l.id = c.life_id
)
WINDOW of_object AS (PARTITION BY object_id ORDER BY seq)
ORDER BY seq;
DROP TABLE change;
ALTER TABLE change_chained RENAME TO change;

-- In place of indexes with an entry for each change: for a run of changes the positions of those with one value, as varints of the
-- differences. `dimension` is 1 for an actor set, 2 for a path set, 3 for a resource, 4 for a namespace; `value` its id. Runs are the changes
-- 1 to 4096, 4097 to 8192 and so on; `last_seq` is the end of a run. Changes beyond `store/posted-through` in `small_state` have none yet.
CREATE TABLE posting (
  dimension INTEGER NOT NULL,
  value INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (dimension, value, last_seq)
) WITHOUT ROWID;

-- Young revision data, one row for what was appended together: a line for each record, its `seq`, a blank, its JSON text.
CREATE TABLE young_record (
  last_seq INTEGER PRIMARY KEY,
  data TEXT NOT NULL
);
INSERT INTO young_record SELECT seq, seq || ' ' || data FROM open_record;
DROP TABLE open_record;
