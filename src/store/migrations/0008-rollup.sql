-- What samples come to in each span of a tier (1: five minutes, 2: an hour), for a run of scrapes. The runs of a tier follow each other
-- without a gap: what they cover ends with `through`; what came later is in the tier below.
CREATE TABLE rollup (
  id INTEGER PRIMARY KEY,
  tier INTEGER NOT NULL,
  -- 0 as it came; eight of one level become one of the next.
  level INTEGER NOT NULL,
  first_scrape INTEGER NOT NULL,
  last_scrape INTEGER NOT NULL,
  ms_min INTEGER NOT NULL,
  ms_max INTEGER NOT NULL,
  data BLOB NOT NULL
);
CREATE UNIQUE INDEX rollup_by_scrape ON rollup (tier, last_scrape);

CREATE TABLE rollup_progress (
  tier INTEGER PRIMARY KEY,
  through INTEGER NOT NULL
);
