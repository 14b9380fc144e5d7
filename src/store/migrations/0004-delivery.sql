-- What was told from outside under an identity of its own (CloudEvent source and id, webhook id, message of a broker), so that told twice it
-- is recorded once. Numbered, so that the oldest can be dropped in order.
CREATE TABLE delivery (
  seq INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  at_ms INTEGER NOT NULL
);
