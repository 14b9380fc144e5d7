import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseManaged } from '../../../src/domain/scan/managed-text.ts';

const time = fc.constantFrom('2026-01-05T08:00:00Z', '2026-01-05T08:00:01.000001Z', '', 'a\\b', 'x",', 'ü', '\n');
const entry = fc.record(
  {
    manager: fc.constantFrom('kubectl', 'a,"time":"b', 'c\\'),
    operation: fc.constant('Update'),
    time: fc.oneof(time, fc.constantFrom(5, null)),
    fieldsV1: fc.constantFrom(
      {},
      { 'f:spec': {} },
      { time: '2026-01-05T08:00:00Z' },
      { a: 1, time: 'y' },
      { 'k:{"time":"x"}': {} },
    ),
  },
  { requiredKeys: ['manager'] },
);

describe('managedFields from their text', () => {
  it('are what a parser makes of it, whatever was parsed before', () => {
    fc.assert(
      fc.property(fc.array(fc.array(entry, { maxLength: 3 }), { maxLength: 12 }), (texts) => {
        for (const given of texts) {
          const text = JSON.stringify(given);
          assert.deepEqual(parseManaged(text), JSON.parse(text));
          assert.equal(JSON.stringify(parseManaged(text)), text, 'members in the same order');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of another time are another value, and share what is no time', () => {
    const text = (at: string) => `[{"manager":"m","time":"${at}","fieldsV1":{"f:spec":{}}},{"manager":"scale"}]`;
    parseManaged(text('2026-01-05T08:00:00Z'));
    const [one, two] = ['2026-01-05T08:00:01Z', '2026-01-05T08:00:02Z'].map((at) => parseManaged(text(at)) as { time: string }[]);
    assert.deepEqual([one?.[0]?.time, two?.[0]?.time], ['2026-01-05T08:00:01Z', '2026-01-05T08:00:02Z']);
    assert.equal(one?.[1], two?.[1]);
  });

  it('that are no JSON are refused as by a parser', () => {
    for (const text of ['', '[', '[{"a":1,"time":"2026', '[{"a":1,"time":"2026"}', '[{"a":1,"time":"2026"}]]'])
      assert.throws(() => parseManaged(text), SyntaxError);
  });
});
