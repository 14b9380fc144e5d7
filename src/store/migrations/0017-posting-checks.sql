-- Postings bear a checksum each, and which values a run of changes has is told a second time, so that a list that is lost is missed. Those there are have
-- neither: upkeep makes them again, and until then changes are gone through.
DELETE FROM posting;
UPDATE small_state SET value = '0' WHERE key = 'store/posted-through';
CREATE TABLE posting_run (
  dimension INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  era INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (dimension, bucket, era)
) WITHOUT ROWID;

-- So do marks of newest changes, which are made again too.
DELETE FROM newest_mark;
DELETE FROM small_state WHERE key = 'store/newestMarks';
