-- The record: which objects exist, what changed, and what each revision looked like. docs/data-format.md describes every column.

CREATE TABLE resource (
  id INTEGER PRIMARY KEY,
  cluster TEXT NOT NULL,
  grp TEXT NOT NULL,
  kind TEXT NOT NULL,
  UNIQUE (cluster, grp, kind)
);

CREATE TABLE namespace (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

CREATE TABLE version (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

CREATE TABLE object (
  id INTEGER PRIMARY KEY,
  resource_id INTEGER NOT NULL,
  namespace_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (resource_id, namespace_id, name)
);

-- One uid under one served version: the unit of a delta chain. A new uid or version begins a new life with a full state.
CREATE TABLE life (
  id INTEGER PRIMARY KEY,
  object_id INTEGER NOT NULL,
  uid BLOB NOT NULL,
  version_id INTEGER NOT NULL
);
CREATE INDEX life_by_object ON life (object_id);

-- What moves with every change of an object, apart from its name so that the row that is rewritten stays small.
CREATE TABLE head (
  object_id INTEGER PRIMARY KEY,
  life_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  rv INTEGER NOT NULL,
  generation INTEGER,
  deleted INTEGER NOT NULL,
  depth INTEGER NOT NULL,
  changes INTEGER NOT NULL,
  heartbeats INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL
);

-- Candidate actors of a change as one interned JSON text; `name` is that of the likeliest.
CREATE TABLE actor_set (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  candidates TEXT NOT NULL UNIQUE
);
CREATE INDEX actor_set_by_name ON actor_set (name);

-- Generic field paths as a tree: parent 0 is the root, a segment is kept as it is written in the path (escaped). Full paths would
-- repeat their beginnings in the table and in the index.
CREATE TABLE path (
  id INTEGER PRIMARY KEY,
  parent_id INTEGER NOT NULL,
  segment TEXT NOT NULL,
  UNIQUE (parent_id, segment)
);

-- Generic paths of a change as one interned sorted set of path ids (varints of the differences).
CREATE TABLE pathset (
  id INTEGER PRIMARY KEY,
  paths BLOB NOT NULL UNIQUE
);
CREATE TABLE path_pathset (
  path_id INTEGER NOT NULL,
  pathset_id INTEGER NOT NULL,
  PRIMARY KEY (path_id, pathset_id)
) WITHOUT ROWID;

-- Append only and never updated, so that its pages and those of its indexes stay dense.
CREATE TABLE change (
  seq INTEGER PRIMARY KEY,
  life_id INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  observed_ms INTEGER NOT NULL,
  rv INTEGER NOT NULL,
  generation INTEGER,
  actor_set_id INTEGER NOT NULL,
  pathset_id INTEGER
);
CREATE INDEX change_by_life ON change (life_id);
CREATE INDEX change_by_actor ON change (actor_set_id);
CREATE INDEX change_by_pathset ON change (pathset_id) WHERE pathset_id IS NOT NULL;

-- Revision data not sealed yet: JSON text of a full state or of a patch.
CREATE TABLE open_record (
  seq INTEGER PRIMARY KEY,
  data TEXT NOT NULL
);

-- A run of changes whose revision data lies in blocks.
CREATE TABLE span (
  last_seq INTEGER PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  level INTEGER NOT NULL,
  ms_min INTEGER NOT NULL,
  ms_max INTEGER NOT NULL
);

-- One zstd frame of revision data; those of a span are ordered by (resource, life, seq) of their first record.
CREATE TABLE block (
  id INTEGER PRIMARY KEY,
  span_seq INTEGER NOT NULL,
  resource_id INTEGER NOT NULL,
  life_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  data BLOB NOT NULL
);
CREATE INDEX block_by_span ON block (span_seq, resource_id, life_id, seq);

CREATE TABLE cursor (
  name TEXT PRIMARY KEY,
  position TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE reject (
  id INTEGER PRIMARY KEY,
  cluster TEXT NOT NULL,
  code TEXT NOT NULL,
  place TEXT NOT NULL,
  what TEXT NOT NULL,
  observed_ms INTEGER NOT NULL
);

-- Running totals, kept in the transaction that changes them, so that a count is never a scan.
CREATE TABLE tally (
  name TEXT PRIMARY KEY,
  total INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  cluster TEXT NOT NULL,
  metric TEXT NOT NULL,
  labels TEXT NOT NULL,
  UNIQUE (metric, cluster, labels)
);

CREATE TABLE target (
  id INTEGER PRIMARY KEY,
  cluster TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (cluster, name)
);

-- One scrape not sealed yet: series ids and values as they came.
CREATE TABLE open_scrape (
  id INTEGER PRIMARY KEY,
  target_id INTEGER NOT NULL,
  ts_ms INTEGER NOT NULL,
  samples INTEGER NOT NULL,
  data BLOB NOT NULL
);
CREATE INDEX open_scrape_by_time ON open_scrape (ts_ms);

-- A run of scrapes, turned into columns: one column of values per series.
CREATE TABLE scrape_block (
  last_scrape INTEGER PRIMARY KEY,
  first_scrape INTEGER NOT NULL,
  ms_min INTEGER NOT NULL,
  ms_max INTEGER NOT NULL,
  data BLOB NOT NULL
);
CREATE INDEX scrape_block_by_time ON scrape_block (ms_max);

CREATE TABLE finding (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  ts_ms INTEGER NOT NULL,
  cluster TEXT NOT NULL,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  detector TEXT NOT NULL,
  severity TEXT NOT NULL,
  verdict TEXT NOT NULL,
  score REAL NOT NULL,
  data BLOB NOT NULL
);
CREATE INDEX finding_by_time ON finding (ts_ms, id);
CREATE INDEX finding_by_object ON finding (kind, namespace, name, ts_ms);
CREATE INDEX finding_paged ON finding (ts_ms, id) WHERE verdict = 'page';

CREATE TABLE alert (
  id TEXT PRIMARY KEY,
  starts_ms INTEGER NOT NULL,
  ends_ms INTEGER NOT NULL,
  data TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX alert_by_end ON alert (ends_ms);

CREATE TABLE effect (
  id TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  next_ms INTEGER NOT NULL,
  data TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX effect_due ON effect (next_ms) WHERE state = 'pending';

CREATE TABLE small_state (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE snapshot (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  data BLOB NOT NULL
);
