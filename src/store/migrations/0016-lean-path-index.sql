-- Segments are long and were stored twice. A number of the last letters and the length tells those under one path apart well enough to look them up.
CREATE TABLE path_lean (
  id INTEGER PRIMARY KEY,
  parent_id INTEGER NOT NULL,
  segment TEXT NOT NULL
);
INSERT INTO path_lean SELECT id, parent_id, segment FROM path;
DROP TABLE path;
ALTER TABLE path_lean RENAME TO path;
CREATE INDEX path_by_parent ON path (parent_id, coalesce(unicode(substr(segment, -2)), 0) * 256 + length(segment) % 256);
