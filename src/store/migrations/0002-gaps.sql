-- Stretches of history that nobody can tell any more; name '' is a gap of the whole kind. docs/data-format.md describes every column.

CREATE TABLE gap (
  id INTEGER PRIMARY KEY,
  cluster TEXT NOT NULL,
  grp TEXT NOT NULL,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  reason TEXT NOT NULL,
  from_rv TEXT,
  to_rv TEXT,
  from_ms INTEGER,
  to_ms INTEGER NOT NULL,
  objects INTEGER NOT NULL,
  generations_skipped INTEGER NOT NULL
);
CREATE INDEX gap_of_kind ON gap (id) WHERE name = '';
CREATE INDEX gap_of_object ON gap (id) WHERE name <> '';
