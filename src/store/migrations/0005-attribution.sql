-- Who made a change, as said by admission, audit or a push: added when it becomes known, never changed. The newest row of a change counts.

-- Who wrote: name, groups, user agent and so on, as JSON. Apart, since a controller's are the same each time.
CREATE TABLE writer (
  id INTEGER PRIMARY KEY,
  details TEXT NOT NULL UNIQUE
);

CREATE TABLE attribution (
  id INTEGER PRIMARY KEY,
  change_seq INTEGER NOT NULL,
  known_ms INTEGER NOT NULL,
  actor_set_id INTEGER NOT NULL,
  evidence TEXT NOT NULL
);
CREATE INDEX attribution_by_change ON attribution (change_seq);
CREATE INDEX attribution_by_actor ON attribution (actor_set_id, change_seq);
