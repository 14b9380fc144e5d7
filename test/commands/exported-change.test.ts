import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { csvRow, exportLine, parseExported } from '../../src/commands/exported-change.ts';
import type { Actor } from '../../src/domain/change.ts';
import { createImporter, type ToldChange } from '../../src/pipeline/import.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { FLUX, HUMAN, history, newChange, refTo, state } from '../store/new-changes.ts';

const AUDITED: Actor = { name: 'jo@example.org', source: 'audit', confidence: 0.98 };
const EVIDENCE = { source: 'audit' as const, id: 'a-1', atMs: 5, match: 'version' as const, user: { name: 'jo@example.org' } };
const CONTEXT = { cluster: 'import', file: 'export.ndjson' };

const toldOf = (line: string): ToldChange => {
  const told = parseExported(line, 1, CONTEXT);
  assert.ok(told !== undefined && !('reject' in told) && !('verdict' in told) && !('lists' in told), line);
  return told;
};

it('a line brings back who it was, as analysis saw it and as it became known later', () => {
  using from = openSqliteStore({ file: ':memory:' });
  const changes = history('orders', [{ n: 1 }, { n: 2 }, { n: 3 }], 10);
  from.append({ changes });
  from.append({
    changes: [],
    amendments: [{ seq: 2, knownMs: 9, attribution: { actor: AUDITED, candidates: [AUDITED, FLUX], evidence: [EVIDENCE] } }],
  });
  using to = openSqliteStore({ file: ':memory:' });
  const importer = createImporter({ store: to, hash: () => '0123456789abcdef' });
  const lines = from.changesAfter(0, 10).map((change) => exportLine(change, from.attribution(change.seq)));
  for (const line of lines) importer.add(toldOf(line));
  importer.flush();
  assert.deepEqual(to.changesAfter(0, 10), from.changesAfter(0, 10));
  for (const seq of [1, 2, 3]) assert.deepEqual(to.attribution(seq), from.attribution(seq));
});

it('an import goes on behind what is recorded of an object, whatever its clock says, and puts nothing between', () => {
  using store = openSqliteStore({ file: ':memory:' });
  const all = history(
    'orders',
    Array.from({ length: 8 }, (_, n) => ({ n })),
    10,
  );
  const lines = (() => {
    using whole = openSqliteStore({ file: ':memory:' });
    whole.append({ changes: all });
    return whole.changesAfter(0, 100).map((change) => exportLine({ ...change, observedMs: 1_000 - change.seq }, undefined));
  })();
  // Recorded are the third to the fifth.
  store.append({ changes: [{ ...all[2]!, type: 'ADDED', before: undefined }, all[3]!, all[4]!] });
  const importer = createImporter({ store, hash: () => '0123456789abcdef' });
  for (const line of lines) importer.add(toldOf(line));
  importer.flush();
  assert.deepEqual(importer.counts, { imported: 3, known: 2, older: 3 });
  assert.deepEqual(store.head(refTo('orders'))?.state.spec, { n: 7 });
});

describe('a line that is not what it should be', () => {
  const good = JSON.parse(exportLine({ ...newChange('ADDED', state('orders', '1', { n: 1 })), seq: 1 }, undefined));
  const CASES: [string, object, RegExp][] = [
    ['no actor', { ...good, crowsnest: { ...good.crowsnest, actor: undefined } }, /member crowsnest/],
    [
      'an actor of an unknown source',
      { ...good, crowsnest: { ...good.crowsnest, actor: { ...FLUX, source: 'rumour' } } },
      /member crowsnest/,
    ],
    [
      'evidence that is none',
      { ...good, crowsnest: { ...good.crowsnest, attribution: { actor: FLUX, candidates: [], evidence: [7] } } },
      /member crowsnest/,
    ],
    ['an object without uid', { ...good, object: { ...good.object, metadata: { name: 'x', resourceVersion: '1' } } }, /uid/],
    ['no time', { ...good, ts: 'soon' }, /RFC 3339/],
  ];
  for (const [what, line, expected] of CASES)
    it(`(${what}) is rejected with its number`, () => {
      const parsed = parseExported(JSON.stringify(line), 7, CONTEXT);
      assert.ok(parsed !== undefined && 'reject' in parsed);
      assert.match(parsed.reject.what, expected);
      assert.equal(parsed.reject.where, 'export.ndjson:7');
    });

  it('but is of the stream, is passed over', () => {
    assert.equal(parseExported('{"type":"TIME","ts":"2026-01-05T08:00:00Z"}', 1, CONTEXT), undefined);
  });
});

it('a row of the table quotes what needs it, and marks what a spreadsheet would compute', () => {
  const summary = {
    seq: 1,
    ref: refTo('orders'),
    uid: 'u',
    type: 'MODIFIED',
    origin: 'watch',
    observedMs: 0,
    resourceVersion: '7',
  } as const;
  const row = (name: string) =>
    csvRow({ ...summary, generation: undefined, own: false, actor: { ...HUMAN, name }, paths: ['/spec/a', '/spec/b'] });
  assert.equal(
    row('jo'),
    '1,1970-01-01T00:00:00.000Z,test,kafka.strimzi.io,v1beta2,Kafka,streaming,orders,u,MODIFIED,watch,7,,jo,stream,1,false,/spec/a /spec/b',
  );
  assert.match(row('a "b", c'), /,"a ""b"", c",stream/);
  assert.match(row('=cmd()'), /,'=cmd\(\),stream/);
});
