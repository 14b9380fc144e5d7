import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TwoWriters } from '../../../src/model/detectors/two-writers.ts';
import { eventOf } from '../../../src/model/features.ts';
import { groupOf } from '../../contract/check-detector.ts';
import { type Edit, MINUTE_MS, MONDAY_MS, ONLY, Stream } from '../stream.ts';

/** What is told at each write of spec.shards; writes are `[actor, shards]`, or with minutes since the one before. */
function told(
  writes: readonly [actor: string, shards: number, minutes?: number][],
  more: (i: number) => Partial<Edit> = () => ({}),
) {
  const detector = new TwoWriters();
  const stream = new Stream();
  let atMs = MONDAY_MS;
  const write = (actor: string, shards: number, edit: Partial<Edit>) => {
    const event = eventOf(stream.change({ atMs, actor, spec: { shards, fixed: true }, ...edit }), { ...ONLY, known: true });
    const evidence = detector.score(event, groupOf(event));
    const sentence = evidence?.explain().sentence;
    detector.learn(event);
    return evidence === undefined ? undefined : { surprise: evidence.surprise, sentence };
  };
  write('flux', 1, {});
  return writes.map(([actor, shards, minutes = 1], i) => {
    atMs += minutes * MINUTE_MS;
    return write(actor, shards, more(i));
  });
}

test('two who undo each other are told at the second turn and at each doubling, louder each time', () => {
  const fight = Array.from({ length: 17 }, (_, i): [string, number] => (i % 2 === 0 ? ['scaler', 3] : ['flux', 1]));
  const evidence = told(fight);
  const spoke = evidence.flatMap((one, i) => (one === undefined ? [] : [{ turn: i, surprise: one.surprise }]));
  assert.deepEqual(
    spoke.map(({ turn }) => turn),
    [2, 4, 8, 16],
  );
  for (const [i, { surprise }] of spoke.entries()) assert.ok(i === 0 || surprise > spoke[i - 1]!.surprise);
  assert.equal(
    evidence[4]?.sentence,
    "scaler and flux undo each other's writes of spec.shards of Kafka orders: 5 times to and fro between 1 and 3 within 4 min; " +
      'of 2 writes of fields of Kafka objects before, one was put back by somebody else within an hour.',
  );
});

test('what is no fight of two is not told', () => {
  const cases: Record<string, [actor: string, shards: number, minutes?: number][]> = {
    'a hand edit that is put back once': [
      ['ann', 3],
      ['flux', 1],
      ['ann', 5],
      ['flux', 5],
    ],
    'one who changes their mind': [
      ['ann', 3],
      ['ann', 1],
      ['ann', 3],
      ['ann', 1],
      ['ann', 3],
    ],
    'values that do not come back': [
      ['ann', 3],
      ['flux', 4],
      ['ann', 5],
      ['flux', 6],
    ],
    'three by turns': [
      ['ann', 3],
      ['flux', 1],
      ['bob', 3],
      ['ann', 1],
      ['flux', 3],
      ['bob', 1],
    ],
    'hours apart': [
      ['ann', 3],
      ['flux', 1, 61],
      ['ann', 3, 61],
      ['flux', 1, 61],
    ],
  };
  for (const [name, writes] of Object.entries(cases))
    assert.ok(
      told(writes).every((one) => one === undefined),
      name,
    );
});

test('objects that are deleted and written anew begin anew', () => {
  const writes: [string, number][] = [
    ['ann', 3],
    ['flux', 1],
    ['ann', 1],
    ['ann', 3],
  ];
  const evidence = told(writes, (i) => (i === 2 ? { type: 'DELETED' } : {}));
  assert.ok(evidence.every((one) => one === undefined));
});
