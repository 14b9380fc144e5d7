-- By which keys the items of lists are told apart, from a change on: what the schema of the kind said when it was recorded. NULL for the usual ones.
CREATE TABLE list_keys (
  id INTEGER PRIMARY KEY,
  resource_id INTEGER NOT NULL,
  from_seq INTEGER NOT NULL,
  data BLOB
);
