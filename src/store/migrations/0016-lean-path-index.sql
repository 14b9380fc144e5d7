-- Segments are long and were stored twice. A number of three bytes, of the last eight letters and of eight spread over the segment, tells those under
-- one path apart well enough to look them up, also where many of them begin or end alike (names of nodes, pods, hashes).
CREATE TABLE path_lean (
  id INTEGER PRIMARY KEY,
  parent_id INTEGER NOT NULL,
  segment TEXT NOT NULL
);
INSERT INTO path_lean SELECT id, parent_id, segment FROM path;
DROP TABLE path;
ALTER TABLE path_lean RENAME TO path;
CREATE INDEX path_by_parent ON path (parent_id, (
  coalesce(unicode(substr(segment, -1, 1)), 0) * 1
  + coalesce(unicode(substr(segment, -2, 1)), 0) * 31
  + coalesce(unicode(substr(segment, -3, 1)), 0) * 961
  + coalesce(unicode(substr(segment, -4, 1)), 0) * 29791
  + coalesce(unicode(substr(segment, -5, 1)), 0) * 923521
  + coalesce(unicode(substr(segment, -6, 1)), 0) * 17
  + coalesce(unicode(substr(segment, -7, 1)), 0) * 557
  + coalesce(unicode(substr(segment, -8, 1)), 0) * 7919
  + coalesce(unicode(substr(segment, length(segment) * 1 / 9, 1)), 0) * 104729
  + coalesce(unicode(substr(segment, length(segment) * 2 / 9, 1)), 0) * 611953
  + coalesce(unicode(substr(segment, length(segment) * 3 / 9, 1)), 0) * 3571
  + coalesce(unicode(substr(segment, length(segment) * 4 / 9, 1)), 0) * 65537
  + coalesce(unicode(substr(segment, length(segment) * 5 / 9, 1)), 0) * 224737
  + coalesce(unicode(substr(segment, length(segment) * 6 / 9, 1)), 0) * 15485
  + coalesce(unicode(substr(segment, length(segment) * 7 / 9, 1)), 0) * 86028
  + coalesce(unicode(substr(segment, length(segment) * 8 / 9, 1)), 0) * 399989
) % 8388593);
