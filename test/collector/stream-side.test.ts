import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamBatcher } from '../../src/collector/recording/stream-batch.ts';
import { parseLine, type StreamEntry } from '../../src/collector/recording/stream-format.ts';
import { formatSide, type SideEntry, sideTime } from '../../src/collector/recording/stream-side.ts';
import { readKindSchema } from '../../src/domain/kind-schema.ts';

const AT = Date.UTC(2026, 4, 4, 10, 0, 0, 123);
const context = { cluster: 'here', file: 'a.ndjson', observedMs: 7 };
const ref = { cluster: 'east', group: 'g.test', version: 'v1', kind: 'Thing', namespace: 'a', name: 'b' };

const entries: Record<string, SideEntry> = {
  RECORDING: { head: { atMs: AT, clusters: ['east', 'west'], timeZone: 'Europe/Berlin' } },
  TIME: { seenToMs: AT, cursors: { 'watch:east': '12 34 1' } },
  KINDS: { kinds: [{ cluster: 'east', group: 'g.test', kind: 'Thing', plural: 'things' }], atMs: AT },
  LISTKEYS: {
    lists: {
      ...{ cluster: 'east', group: 'g.test', kind: 'Thing' },
      lists: readKindSchema({
        properties: {
          spec: {
            properties: {
              ports: {
                'x-kubernetes-list-map-keys': ['port', 'protocol'],
                items: { properties: { in: { 'x-kubernetes-list-map-keys': ['id'] } } },
              },
              by: { additionalProperties: { 'x-kubernetes-list-map-keys': ['name'] } },
            },
          },
        },
      }).mergeKeys,
    },
    atMs: AT,
  },
  CLAIM: {
    claim: {
      ...{ cluster: 'east', source: 'audit', id: 'i-1', verb: 'patch', resourceVersion: '12', atMs: AT - 5 },
      target: { group: 'g.test', resource: 'things', namespace: 'a', name: 'b', uid: 'u' },
      user: { name: 'ann', groups: ['devs'], sourceIPs: ['10.0.0.1'], userAgent: 'kubectl/v1' },
    },
    atMs: AT,
  },
  EVENT: {
    kubeEvent: {
      ...{ uid: 'e-1', ref, objectUid: '', type: 'Warning', reason: 'Failed', action: '', note: 'no', reportedBy: 'c', count: 2 },
      ...{ firstMs: AT - 60_000, lastMs: AT },
    },
    atMs: AT + 1,
  },
  GAP: {
    gap: {
      ...{ cluster: 'east', group: 'g.test', kind: 'Thing', namespace: '', name: '', reason: 'compacted', fromVersion: '1' },
      ...{ toVersion: '9', fromMs: AT - 9, toMs: AT, objects: 3, generationsSkipped: 1 },
    },
  },
};

describe('lines beside changes and scrapes', () => {
  for (const [type, entry] of Object.entries(entries)) {
    it(`reads ${type} as it was written`, () => {
      const text = formatSide(entry);
      assert.equal(JSON.parse(text).type, type);
      assert.ok(!text.includes('\n'));
      assert.deepEqual(parseLine(text, 1, context), entry);
    });
  }

  const faults: [type: string, change: (line: never) => unknown, says: RegExp][] = [
    ['RECORDING', (line: object) => ({ ...line, format: 4 }), /format 4 is newer/],
    ['RECORDING', (line: object) => ({ ...line, timeZone: 'Mars/Olympus' }), /timeZone/],
    ['RECORDING', (line: object) => ({ ...line, clusters: [1] }), /clusters must be/],
    ['TIME', (line: object) => ({ ...line, cursors: { a: 1 } }), /cursors must be/],
    ['TIME', (line: object) => ({ ...line, ts: 'yesterday' }), /ts must be/],
    ['KINDS', (line: object) => ({ ...line, kinds: [{ cluster: 'east', kind: 'Thing' }] }), /kinds\[0\].group must be/],
    ['CLAIM', ({ claim: _, ...line }: { claim: object }) => line, /claim is missing/],
    ['LISTKEYS', (line: object) => ({ ...line, keys: { kind: 'Thing' } }), /keys.group must be/],
    ...[1, { keys: [] }, { keys: [1] }, { members: [] }, { members: { a: 1 } }, { items: 'all' }, { others: [] }].map(
      (lists): [string, (line: { keys: object }) => unknown, RegExp] => [
        'LISTKEYS',
        (line) => ({ ...line, keys: { ...line.keys, lists } }),
        /keys.lists is not what a recorder writes/,
      ],
    ),
    [
      'CLAIM',
      (line: { claim: object }) => ({ ...line, claim: { ...line.claim, source: 'hearsay' } }),
      /claim.source must be one of/,
    ],
    [
      'CLAIM',
      (line: { claim: object }) => ({ ...line, claim: { ...line.claim, user: { groups: [] } } }),
      /claim.user needs a name/,
    ],
    ['CLAIM', (line: { claim: object }) => ({ ...line, claim: { ...line.claim, target: { name: 'x' } } }), /claim.target.group/],
    [
      'EVENT',
      (line: { event: object }) => ({ ...line, event: { ...line.event, count: 'many' } }),
      /event.count must be a number/,
    ],
    ['EVENT', (line: { event: object }) => ({ ...line, event: { ...line.event, object: 1 } }), /event.object is missing/],
    ['GAP', (line: { gap: object }) => ({ ...line, gap: { ...line.gap, reason: 'boredom' } }), /gap.reason must be one of/],
    ['GAP', (line: { gap: object }) => ({ ...line, gap: { ...line.gap, kind: 'a\u0000b' } }), /gap.kind must be/],
  ];
  for (const [type, change, says] of faults) {
    it(`rejects ${type} where ${says.source}`, () => {
      const line = change(JSON.parse(formatSide(entries[type]!)) as never);
      const parsed = parseLine(JSON.stringify(line), 3, context);
      assert.ok('reject' in parsed, 'accepted');
      assert.match(parsed.reject.what, says);
      assert.equal(parsed.reject.where, 'a.ndjson:3');
    });
  }
});

describe('batches of a stream keep its order', () => {
  const change = (atMs: number): StreamEntry => {
    const object = { apiVersion: 'v1', kind: 'Thing', metadata: { name: 'n', uid: 'u', resourceVersion: '1' } };
    return { observation: { cluster: 'c', type: 'MODIFIED', object, observedMs: atMs, origin: 'watch' } };
  };
  const scrape = (atMs: number): StreamEntry => ({ scrape: { cluster: 'c', target: 't', tsMs: atMs, samples: [] } });
  const claim = (atMs: number): SideEntry => ({ ...(entries.CLAIM as Extract<SideEntry, { claim: unknown }>), atMs });
  const time = (seenToMs: number): SideEntry => ({ seenToMs });

  const cases: [what: string, entries: (StreamEntry | SideEntry)[], sizes: number[]][] = [
    ['a scrape after the change it followed', [change(1), scrape(2)], [2]],
    ['a scrape from before a change that came first', [change(5), scrape(5)], [1, 1]],
    ['a change after a scrape', [scrape(1), change(2)], [1, 1]],
    ['a claim before its change', [claim(1), change(2)], [2]],
    ['a claim after a change', [change(1), claim(2), change(3)], [1, 2]],
    ['kinds before what comes with them', [change(1), { kinds: [], atMs: 1 }, scrape(2)], [1, 2]],
    ['the keys of lists before what they name', [change(1), entries.LISTKEYS!, change(2), entries.LISTKEYS!], [1, 2, 1]],
    ['anything after time', [change(1), time(2), change(3)], [2, 1]],
    ['moments that are far apart, where claims wait', [claim(1), change(2), change(5_000)], [2, 1]],
    ['moments that are far apart, where none waits', [change(1), change(2), change(5_000)], [3]],
  ];
  for (const [what, list, sizes] of cases) {
    it(what, () => {
      const batcher = new StreamBatcher();
      const taken: number[] = [];
      let size = 0;
      for (const entry of list) {
        if (batcher.mustTakeBefore(entry)) {
          batcher.take({});
          taken.push(size);
          size = 0;
        }
        batcher.add(entry);
        size += 1;
      }
      assert.deepEqual([...taken, size], sizes);
    });
  }

  it('knows the time of every entry', () => {
    for (const entry of Object.values(entries)) assert.ok(Math.abs(sideTime(entry) - AT) < 10);
  });
});
