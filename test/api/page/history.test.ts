/** What the views of objects and namespaces make of the API's answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AGES, blameLines } from '../../../src/api/page/blame-lines.ts';
import { mergedPages } from '../../../src/api/page/change-pages.ts';
import { damagedWords, fieldWords, filterTerm, foldReports, shortWords } from '../../../src/api/page/change-words.ts';
import { changedObjects } from '../../../src/api/page/changed-objects.ts';
import { changeAt, inOrder } from '../../../src/api/page/revisions.ts';
import type { Blame, ChangeSummary } from '../../../src/api/page/types.ts';
import { parseChangeFilter } from '../../../src/domain/change-filter.ts';
import type { JsonObject } from '../../../src/domain/json.ts';

type Made = Partial<Omit<ChangeSummary, 'actor' | 'ref'>> & { by?: string; name?: string };

function change(seq: number, { by = 'flux', name = 'orders', ...more }: Made = {}): ChangeSummary {
  const ref = { cluster: 'c', group: 'g', version: 'v1', kind: 'Kafka', namespace: 'n', name };
  const actor = { name: by, source: 'audit' as const, confidence: 1 };
  const time = new Date(seq * 1_000).toISOString();
  const fixed = {
    seq,
    ref,
    uid: 'u',
    type: 'MODIFIED' as const,
    origin: 'watch' as const,
    time,
    resourceVersion: String(seq),
    actor,
  };
  return { ...fixed, own: false, paths: ['/spec/replicas'], ...more };
}

const report = (seq: number, more: Made = {}) => change(seq, { paths: ['/status/ready', '/metadata/resourceVersion'], ...more });

describe('changes in a list', () => {
  it('are told by what somebody set before what was reported', () => {
    assert.equal(shortWords(change(1, { type: 'ADDED', paths: [] })), 'created');
    assert.equal(shortWords(change(1, { paths: ['/metadata/resourceVersion'] })), 'bookkeeping only');
    assert.equal(shortWords(change(1, { paths: ['/status/a', '/status/b'] })), 'status.a and 1 more');
    const paths = ['/status/a', '/metadata/labels/x~1y', '/spec/list/[*]/b', '/spec/a', '/status/b'];
    assert.equal(fieldWords(paths), 'spec.a, spec.list[*].b, metadata.labels.x/y and 2 more');
  });

  it('fold where nothing but reports follow each other, and not around one that is looked at', () => {
    const changes = [
      change(9),
      report(8),
      report(7),
      report(6),
      change(5),
      report(4),
      report(3),
      report(2, { own: true }),
      change(1),
    ];
    const shape = (kept: number[]) =>
      foldReports(changes, new Set(kept)).map((row) => ('reports' in row ? row.reports.map(({ seq }) => seq) : row.seq));
    assert.deepEqual(shape([]), [9, [8, 7, 6], 5, [4, 3], 2, 1]);
    assert.deepEqual(shape([7, 3]), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('keep older pages as long as the fresh one meets them', () => {
    const page = (seqs: number[], next: string | undefined) => ({
      key: 'k',
      items: seqs.map((seq) => change(seq)),
      next,
      through: undefined as string | undefined,
      damaged: 0,
    });
    const seqs = ({ items }: ReturnType<typeof page>) => items.map(({ seq }) => seq);
    const before = page([6, 5, 4, 3, 2, 1], 'older');
    const merged = mergedPages(before, page([8, 7, 6, 5], 'first'));
    assert.deepEqual([seqs(merged), merged.next], [[8, 7, 6, 5, 4, 3, 2, 1], 'older']);
    assert.deepEqual(seqs(mergedPages(before, page([99, 98], 'first'))), [99, 98]);
    assert.deepEqual(seqs(mergedPages(before, page([7, 6], undefined))), [7, 6]);
    assert.deepEqual(seqs(mergedPages({ ...before, key: 'other' }, page([6, 5], 'first'))), [6, 5]);
  });

  it('say how many are left out, of the older pages too', () => {
    const page = (seqs: number[], damaged: number) => ({
      ...{ key: 'k', items: seqs.map((seq) => change(seq)), next: 'more', through: undefined, damaged },
    });
    assert.equal(mergedPages(page([6, 5, 4, 3], 3), page([7, 6, 5], 1)).damaged, 3);
    assert.equal(mergedPages(page([6, 5, 4, 3], 0), page([7, 6, 5], 1)).damaged, 1);
    assert.equal(damagedWords(1), '1 change could not be read: run crowsnest db check');
    assert.equal(damagedWords(1_200), '1,200 changes could not be read: run crowsnest db check');
  });

  it('ask for a field by a term that means it and nothing else', () => {
    for (const text of ['/spec/a b', '/spec/"x"\\', '/metadata/labels/*', 'a,b'])
      assert.deepEqual(parseChangeFilter(filterTerm('path', text), 0)[0]?.values, [{ text, quoted: true }]);
  });
});

describe('revisions', () => {
  const changes = [change(30), change(20), change(10)];

  it('are found by number and by the time they were in force', () => {
    assert.equal(changeAt(changes, '20')?.seq, 20);
    assert.equal(changeAt(changes, '25'), undefined);
    assert.equal(changeAt(changes, new Date(25_000).toISOString())?.seq, 20);
    assert.equal(changeAt(changes, new Date(5_000).toISOString()), undefined);
  });

  it('are compared from the older to the newer one, whichever was chosen first', () => {
    assert.deepEqual(inOrder(changes, '30', '10'), { from: '10', to: '30', between: 2 });
    assert.deepEqual(inOrder(changes, '10', '30'), { from: '10', to: '30', between: 2 });
    assert.deepEqual(inOrder(changes, '30', '7'), { from: '7', to: '30' });
    assert.deepEqual(inOrder(changes, '7', '30'), { from: '7', to: '30' });
    assert.deepEqual(inOrder(changes, new Date(25_000).toISOString(), '20'), { from: '20', to: '20', between: 0 });
  });
});

describe('lines with who set them', () => {
  const changes = [9, 5, 1].map((seq): Blame['changes'][number] => {
    const { type, time, actor, own } = change(seq);
    return { seq, type, time, actor, own };
  });
  const state: JsonObject = {
    kind: 'Kafka',
    metadata: { name: 'x' },
    spec: { a: 1, list: [{ name: 'p', v: 'one\ntwo' }], z: {} },
  };
  const fields: Blame['fields'] = [
    { path: '/spec/a', value: 1, seq: 1 },
    { path: '/spec/list/[name=p]/name', value: 'p', seq: 1 },
    { path: '/spec/list/[name=p]/v', value: 'one\ntwo', seq: 9 },
    { path: '/spec/z', value: {}, notAfter: 5 },
  ];
  const lines = blameLines(state, { fields, changes });

  it('name the change of each leaf, texts of several lines included, and none for headings', () => {
    assert.deepEqual(
      lines.map(({ text, by, begins }) => [text, by?.seq, begins]),
      [
        ['kind: Kafka', undefined, false],
        ['metadata:', undefined, false],
        ['name: x', undefined, false],
        ['spec:', undefined, false],
        ['a: 1', 1, true],
        ['list:', undefined, false],
        ['- name: p', 1, false],
        ['v: |', 9, true],
        ['one', 9, false],
        ['two', 9, false],
        ['z: {}', 5, true],
      ],
    );
    assert.equal(lines.at(-1)?.orEarlier, true);
  });

  it('say so where the change is no longer kept', () => {
    const gone = fields.map((field) => (field.seq === 9 ? { ...field, gone: true as const } : field));
    const kept = changes.filter(({ seq }) => seq !== 9);
    const shown = blameLines(state, { fields: gone, changes: kept }).filter((one) => one.gone !== undefined);
    assert.deepEqual(
      shown.map((one) => [one.text, one.gone, one.by, one.begins]),
      [
        ['v: |', 9, undefined, true],
        ['one', 9, undefined, false],
        ['two', 9, undefined, false],
      ],
    );
  });

  it('find their field where items are named by several keys', () => {
    const named: Blame['fields'] = [{ path: '/spec/ports/[port=1,protocol=UDP]/x', value: 1, seq: 1 }];
    const state: JsonObject = { spec: { ports: [{ name: 'a', port: 1, protocol: 'UDP', x: 1 }] } };
    const found = blameLines(state, { fields: named, changes }).find(({ text }) => text === 'x: 1');
    assert.equal(found?.by?.seq, 1);
  });

  it('are as old as their change among the others', () => {
    assert.deepEqual(
      new Map(lines.flatMap(({ by, age }) => (by === undefined ? [] : [[by.seq, age]]))),
      new Map([
        [1, 0],
        [9, AGES - 1],
        [5, 3],
      ]),
    );
    const only = blameLines(state, { fields: fields.slice(0, 1), changes: changes.slice(2) });
    assert.equal(only.find(({ by }) => by !== undefined)?.age, AGES - 1);
  });
});

describe('what changed of many objects', () => {
  const cases: [ChangeSummary[], string, boolean][] = [
    [[change(2), change(1)], 'changed', true],
    [[report(2), report(1)], 'reported on', true],
    [[report(2), change(1, { type: 'ADDED', paths: [] })], 'created', false],
    [[change(2, { type: 'DELETED', paths: [] }), change(1)], 'deleted', true],
    [[change(2, { type: 'DELETED', paths: [] }), change(1, { type: 'ADDED', paths: [] })], 'created and deleted again', false],
    [[change(2, { type: 'ADDED', paths: [] }), change(1, { type: 'DELETED', paths: [] })], 'deleted and created anew', true],
  ];
  for (const [changes, what, wasThere] of cases)
    it(`says ${what}`, () => {
      const [row] = changedObjects(changes);
      assert.deepEqual([row?.what, row?.wasThere], [what, wasThere]);
    });

  it('brings together by object, the last changed first, each with its fields and people', () => {
    const changes = [
      report(6, { name: 'b', by: 'operator' }),
      change(5, { name: 'b', by: 'ann' }),
      change(4, { name: 'a', by: 'bob', paths: ['/spec/x'] }),
      change(3, { name: 'b', by: 'flux', paths: ['/spec/y'] }),
      change(2, { name: 'b', by: 'flux' }),
    ];
    const rows = changedObjects(changes);
    assert.deepEqual(
      rows.map(({ ref, changes: own, actors, paths }) => [ref.name, own.length, actors.map(({ name }) => name), paths]),
      [
        ['b', 4, ['flux', 'ann'], ['/spec/replicas', '/spec/y', '/status/ready']],
        ['a', 1, ['bob'], ['/spec/x']],
      ],
    );
  });
});
