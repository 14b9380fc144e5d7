import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { objectId } from '../../src/model/features.ts';
import { RowTable } from '../../src/model/habits/row-table.ts';
import { ObjectRows } from '../../src/model/object-rows.ts';

const place = (name: string, namespace = 'streaming', kind = 'Kafka', group = 'kafka.strimzi.io') => ({
  group,
  kind,
  namespace,
  name,
});

/** Names that end alike, and ids that a letter from one name to the next makes another object of. */
const PLACES = [
  place('a-cluster-with-a-long-name'),
  place('b-cluster-with-a-long-name'),
  place('cluster-with-a-long-name', 'streaming-with-a-long-name'),
  place('cluster-with-a-long-name', 'trending-with-a-long-name'),
  place('bc', 'a'),
  place('c', 'ab'),
  place('abc', ''),
  place('abc', 'd', '', 'Kafka'),
  place('abc', 'd', 'Kafka', ''),
  place('abc', 'd', 'Topic'),
  place('abc', 'd', 'Kafka', 'other.example'),
];

describe('rows of objects by where they lie', () => {
  it('are those of their ids, however alike these are', () => {
    const [table, expected] = [new RowTable(), new RowTable()];
    const rows = new ObjectRows(table);
    for (let round = 0; round < 3; round++)
      for (const each of PLACES) assert.equal(rows.of({ ...each }), expected.rowOf(objectId(each)));
  });

  it('put no id together for an object that was asked for lately', () => {
    const table = new RowTable();
    const rows = new ObjectRows(table);
    const places = Array.from({ length: 20 }, (_, i) => place(`kafka-${i}`));
    const first = places.map((each) => rows.of(each));
    table.rowOf = () => assert.fail('looked up by its id');
    const again = places.map((each) => rows.of({ ...each }));
    assert.deepEqual(again, first);
  });

  it('go to others, and the least recently seen gives way, where there are too many', () => {
    const max = 8;
    const [table, expected] = [new RowTable({ max }), new RowTable({ max })];
    const rows = new ObjectRows(table);
    for (let i = 0; i < 500; i++) {
      const each = place(`kafka-${(i * i) % 23}`);
      assert.equal(rows.of(each), expected.rowOf(objectId(each)));
    }
    assert.deepEqual([...table.save().rows], [...expected.save().rows]);
  });

  it('are told anew once the table is another one', () => {
    const table = new RowTable();
    const rows = new ObjectRows(table);
    rows.of(place('first'));
    rows.of(place('second'));
    table.load({ rows: new Map([[objectId(place('second')), 0]]) });
    assert.equal(rows.of(place('second')), 0);
    assert.equal(rows.of(place('first')), 1);
  });
});
