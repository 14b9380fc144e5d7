-- Findings come in dozens that say nearly the same. What was decided together is one row at first, without an index; upkeep gives each its
-- row in `finding` for lists to go by and puts their texts into blocks. A `finding.data` that is a number then says where:
-- block * 1024 + place in it.
CREATE TABLE finding_young (
  id INTEGER PRIMARY KEY,
  data BLOB NOT NULL
);

CREATE TABLE finding_block (
  id INTEGER PRIMARY KEY,
  data BLOB NOT NULL
);
