-- When the changes of each run of postings were: dimension 5, value 0, [earliest, latest] of their observed_ms. Spans say so too, but of a large one that is little.
INSERT INTO posting (dimension, value, last_seq, data)
SELECT 5, 0, (seq + 4095) / 4096 * 4096, json_array(min(observed_ms), max(observed_ms)) FROM change
WHERE seq <= (SELECT CAST(coalesce(max(value), '0') AS INTEGER) FROM small_state WHERE key = 'store/posted-through') GROUP BY 3;

-- Where much happens, a span is sorted by namespace first, so that what a namespace held at a time lies in few blocks. In the others namespace_id is 0.
ALTER TABLE span ADD COLUMN by_namespace INTEGER NOT NULL DEFAULT 0;
ALTER TABLE block ADD COLUMN namespace_id INTEGER NOT NULL DEFAULT 0;
DROP INDEX block_by_span;
CREATE INDEX block_by_place ON block (span_seq, namespace_id, resource_id, life_id, seq);
