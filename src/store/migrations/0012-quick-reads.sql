-- What the blocks of a span are filed under: its last change, or that negated for a large span, which is written while those it is
-- made of are still read.
ALTER TABLE span ADD COLUMN block_key INTEGER NOT NULL DEFAULT 0;
UPDATE span SET block_key = last_seq;

-- Of 256 objects each: which change of each was the newest at a place in the log, so that `at` a time begins near by.
CREATE TABLE newest_mark (
  chunk INTEGER NOT NULL,
  through_seq INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (chunk, through_seq)
) WITHOUT ROWID;
