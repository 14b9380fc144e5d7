import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatObservation, formatScrape, type LineContext, parseLine } from '../../src/collector/recording/stream-format.ts';
import { parseTime } from '../../src/collector/recording/stream-time.ts';
import type { Observation } from '../../src/domain/change.ts';
import type { Scrape } from '../../src/domain/series/series.ts';

const context: LineContext = { cluster: 'here', file: 'a.ndjson', observedMs: 7 };

function object(metadata: Record<string, unknown> = {}) {
  return {
    apiVersion: 'kafka.strimzi.io/v1beta2',
    kind: 'Kafka',
    metadata: { name: 'orders', namespace: 'streaming', uid: 'u-1', resourceVersion: '12', ...metadata },
    spec: { replicas: 3 },
  };
}

function line(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({ type: 'MODIFIED', ts: '2026-05-04T10:00:00Z', object: object(), ...fields });
}

function rejected(text: string) {
  const parsed = parseLine(text, 3, context);
  assert.ok('reject' in parsed, `accepted: ${text}`);
  return parsed.reject;
}

describe('parseLine', () => {
  it('reads an event with what the line states and defaults for what it leaves open', () => {
    const parsed = parseLine(line(), 1, context);
    assert.deepEqual(parsed, {
      observation: {
        cluster: 'here',
        type: 'MODIFIED',
        object: object(),
        observedMs: Date.UTC(2026, 4, 4, 10),
        origin: 'replay',
      },
    });
    const stated = parseLine(line({ cluster: 'there', actor: 'user:ada' }), 1, context);
    assert.ok('observation' in stated);
    assert.equal(stated.observation.cluster, 'there');
    assert.equal(stated.observation.actor, 'user:ada');
  });

  it('never reads the answers that a labelled stream carries', () => {
    const labels = { label: 'burst', incident: 'i-1', aftermath: 'i-0', reverted: true, commit: 'abc' };
    assert.deepEqual(parseLine(line(labels), 1, context), parseLine(line(), 1, context));
  });

  it('passes bookmarks over', () => {
    assert.deepEqual(parseLine('{"type":"BOOKMARK","object":{}}', 1, context), { bookmark: true });
  });

  const faults: [string, string, RegExp][] = [
    ['no JSON', '{"type":', /not valid JSON/],
    ['a list', '[]', /not a JSON object/],
    ['null', 'null', /not a JSON object/],
    ['no type', line({ type: undefined }), /type must be .* not absent/],
    ['another type', line({ type: 'ERROR' }), /type must be .* not "ERROR"/],
    ['no ts', line({ ts: undefined }), /ts must be an RFC 3339 time, not absent/],
    ['a ts that is a number', line({ ts: 12 }), /ts must be .* not 12/],
    ['a ts without zone', line({ ts: '2026-05-04T10:00:00' }), /ts must be/],
    ['no object', line({ object: undefined }), /object is missing/],
    ['an object that is a list', line({ object: [] }), /object is missing or not/],
    ['no apiVersion', line({ object: { ...object(), apiVersion: undefined } }), /object\.apiVersion .* absent/],
    ['no kind', line({ object: { ...object(), kind: '' } }), /object\.kind .* empty/],
    ['no metadata', line({ object: { ...object(), metadata: undefined } }), /object\.metadata is missing/],
    ['no name', line({ object: object({ name: undefined }) }), /metadata\.name .* absent/],
    ['no uid', line({ object: object({ uid: undefined }) }), /metadata\.uid .* absent/],
    ['no resourceVersion', line({ object: object({ resourceVersion: undefined }) }), /metadata\.resourceVersion .* absent/],
    ['a resourceVersion that is a number', line({ object: object({ resourceVersion: 12 }) }), /metadata\.resourceVersion .* 12/],
    ['a namespace that is an object', line({ object: object({ namespace: {} }) }), /metadata\.namespace .* an object/],
    ['a NUL in a name', line({ object: object({ name: 'a\u0000b' }) }), /metadata\.name/],
    ['a cluster that is a number', line({ cluster: 3 }), /cluster must be/],
    ['an actor that is an object', line({ actor: { name: 'x' } }), /actor must be a string, not an object/],
    ['a scrape without target', line({ type: 'METRICS', samples: [] }), /target must be/],
    ['a scrape without samples', line({ type: 'METRICS', target: 't' }), /samples must be a list/],
    [
      'a sample without labels',
      line({
        type: 'METRICS',
        target: 't',
        samples: [
          ['m', {}, 1],
          ['m', 1],
        ],
      }),
      /samples\[1\] must be/,
    ],
    [
      'a sample with a label that is a number',
      line({ type: 'METRICS', target: 't', samples: [['m', { a: 1 }, 1]] }),
      /samples\[0\]/,
    ],
    [
      'a sample with a word for a value',
      line({ type: 'METRICS', target: 't', samples: [['m', {}, 'toString']] }),
      /samples\[0\]/,
    ],
  ];
  for (const [name, text, what] of faults) {
    it(`rejects ${name} with file and number`, () => {
      const reject = rejected(text);
      assert.match(reject.what, what);
      assert.deepEqual(
        { ...reject, what: '' },
        { cluster: 'here', code: 'STREAM_BAD_LINE', where: 'a.ndjson:3', what: '', observedMs: 7 },
      );
    });
  }

  it('rejects half a character, which no database keeps as it is', () => {
    assert.match(rejected(line({ actor: 'a\ud800' })).what, /half a character/);
  });

  it('shows no more than a glimpse of a wrong value', () => {
    assert.ok(rejected(line({ ts: 'x'.repeat(500) })).what.length < 120);
    assert.ok(!rejected(line({ actor: { password: 'hunter2' } })).what.includes('hunter2'));
  });
});

describe('parseTime', () => {
  const times: [string, number | undefined][] = [
    ['2026-05-04T10:00:00Z', Date.UTC(2026, 4, 4, 10)],
    ['2026-05-04t10:00:00z', Date.UTC(2026, 4, 4, 10)],
    ['2026-05-04T10:00:00.5Z', Date.UTC(2026, 4, 4, 10, 0, 0, 500)],
    ['2026-05-04T10:00:00.123456789Z', Date.UTC(2026, 4, 4, 10, 0, 0, 123)],
    ['2026-05-04T10:00:00+02:00', Date.UTC(2026, 4, 4, 8)],
    ['2026-05-04T10:00:00.25-05:30', Date.UTC(2026, 4, 4, 15, 30, 0, 250)],
    ['2026-06-30T23:59:60Z', Date.UTC(2026, 6, 1)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2026-02-29T00:00:00Z', undefined],
    ['2026-13-01T00:00:00Z', undefined],
    ['2026-05-04T24:00:00Z', undefined],
    ['2026-05-04 10:00Z', undefined],
    ['Mon May 4 2026', undefined],
  ];
  for (const [text, expected] of times) it(`${text} is ${expected}`, () => assert.equal(parseTime(text), expected));
});

describe('formatting', () => {
  it('is what parsing reads back', () => {
    const observation: Observation = {
      cluster: 'c',
      type: 'DELETED',
      object: object({ managedFields: [{ manager: 'm' }] }),
      observedMs: 1_777_888_999_123,
      origin: 'replay',
      actor: 'user:ada',
    };
    assert.deepEqual(parseLine(formatObservation(observation), 1, context), { observation });
    const scrape: Scrape = {
      cluster: 'c',
      target: 'manager:8080',
      tsMs: 1_777_888_999_000,
      samples: [
        { metric: 'workqueue_depth', labels: { name: 'a"b' }, value: 0.25 },
        { metric: 'odd', labels: {}, value: Number.NaN },
        { metric: 'odd', labels: { le: '+Inf' }, value: Number.POSITIVE_INFINITY },
        { metric: 'odd', labels: {}, value: Number.NEGATIVE_INFINITY },
      ],
    };
    assert.deepEqual(parseLine(formatScrape(scrape), 1, context), { scrape });
  });

  it('leaves out an actor nobody stated', () => {
    const text = formatObservation({ cluster: 'c', type: 'ADDED', object: object(), observedMs: 0, origin: 'watch' });
    assert.deepEqual(Object.keys(JSON.parse(text)), ['type', 'ts', 'cluster', 'origin', 'object']);
    assert.ok(!text.includes('\n'));
  });
});
