-- Of objects that changed often: which change set each field of the state that one of their changes led to, so that blame ends there.
CREATE TABLE blame_mark (
  object_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (object_id, seq)
) WITHOUT ROWID;
