import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../src/domain/json.ts';
import { Sequence } from '../../../src/model/detectors/sequence.ts';
import { type ChangeEvent, eventOf } from '../../../src/model/features.ts';
import { joinVisit, makeVisit } from '../../../src/model/visits.ts';
import { HOUR_MS, MONDAY_MS, Stream } from '../stream.ts';

/** Objects of one kind, and a detector that learns each edit in a visit of its own. */
class Kind {
  readonly detector = new Sequence();
  readonly #stream = new Stream();
  readonly #specs = new Map<number, JsonObject>();
  #step = 0;

  /** An edit that moves these fields of object `row`; with none the object is made, or touched. */
  edit(row: number, ...fields: string[]): ChangeEvent {
    const spec = { ...(this.#specs.get(row) ?? { image: 0, values: 0, replicas: 0, paused: 0 }) };
    for (const field of fields) spec[field] = ++this.#step;
    this.#specs.set(row, spec);
    const change = this.#stream.change({
      ...{ atMs: MONDAY_MS + this.#step * HOUR_MS, actor: 'user:ann', kind: 'Chart', name: `chart-${row}`, spec },
    });
    return eventOf(change, { name: `chart-${row}`, row, known: change.type === 'MODIFIED' });
  }

  learn(row: number, ...fields: string[]): void {
    this.detector.learn(this.edit(row, ...fields));
  }

  told(event: ChangeEvent, before: ChangeEvent[] = []) {
    const visit = makeVisit(event.actor.name, event.atMs);
    for (const one of [...before, event]) joinVisit(visit, one);
    const evidence = this.detector.score(event, visit);
    return { surprise: evidence?.surprise ?? 0, sentence: evidence?.explain().sentence };
  }
}

/** Ten charts whose image is moved again and again, and whose replicas are set only after their values. */
function habit(): Kind {
  const kind = new Kind();
  for (let row = 0; row < 10; row++) {
    kind.learn(row);
    for (let round = 0; round < 3; round++) {
      for (const field of ['image', 'image', 'image', 'image', 'values', 'replicas']) kind.learn(row, field);
    }
    kind.learn(row, 'image');
    kind.learn(row, 'image');
  }
  return kind;
}

test('an edit that does not follow what went before is odd, the same edit where it follows is not', () => {
  const broken = habit();
  const outOfPlace = broken.told(broken.edit(3, 'replicas'));
  const kept = habit();
  kept.learn(3, 'values');
  const inPlace = kept.told(kept.edit(3, 'replicas'));
  assert.ok(outOfPlace.surprise > 4, String(outOfPlace.surprise));
  assert.ok(inPlace.surprise < 0.5, String(inPlace.surprise));
});

test('it says what went before, how often it went on like this, and what is usual', () => {
  const kind = habit();
  assert.equal(
    kind.told(kind.edit(3, 'replicas')).sentence,
    'Chart chart-3 saw replicas set by a person, after image set by a person and image set by a person. ' +
      'Of 90 such steps of Chart objects none went that way; most often it was image set by a person.',
  );
});

test('what the visit did to the object so far went before too, what it did to others did not', () => {
  const kind = habit();
  const values = kind.edit(3, 'values');
  const others = kind.edit(4, 'values');
  const replicas = kind.edit(3, 'replicas');
  assert.ok(kind.told(replicas, [values]).surprise < 0.5);
  assert.ok(kind.told(replicas, [others]).surprise > 4);
});

test('a new object in a row that another one had begins without a past', () => {
  const kind = habit();
  const born = new Kind().edit(3);
  const before = kind.told(born).surprise;
  kind.detector.forget(3);
  assert.ok(before > 2 && kind.told(born).surprise < 0.5, `${before}, ${kind.told(born).surprise}`);
});

test('however many kinds and fields there are, what is kept has a limit', () => {
  const detector = new Sequence();
  const stream = new Stream();
  for (let i = 0; i < 7_000; i++) {
    const change = stream.change({ atMs: MONDAY_MS + i, actor: 'user:ann', kind: `Kind${i}`, spec: { [`f${i}`]: i } });
    detector.learn(eventOf(change, { name: `o${i}`, row: i % 100, known: true }));
  }
  const { keys, seen } = detector.save().pasts;
  assert.equal(keys.size, 20_000);
  for (const numbers of seen.rows.length) assert.ok(numbers <= 2 * 128);
});

test('a field out of place is told though others that are in place move with it', () => {
  const kind = habit();
  const { surprise, sentence } = kind.told(kind.edit(3, 'image', 'replicas'));
  assert.ok(surprise > 3.5, String(surprise));
  assert.match(sentence ?? '', /saw replicas set by a person/);
});

test('a field added is no news, only what went before', () => {
  const kind = habit();
  assert.equal(kind.told(kind.edit(3, 'note')).surprise, 0);
});

test('fields beyond those that have a number are not taken for each other', () => {
  const kind = habit();
  const before = kind.told(kind.edit(3, 'paused')).surprise;
  const other = new Stream();
  for (let n = 0; n < 65_600; n += 32) {
    const of = { atMs: MONDAY_MS + n * 1_000, actor: 'user:eve', kind: 'Other', name: `other-${n}` };
    other.change({ ...of, spec: { image: 0 } });
    const labels = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`l${n + i}`, 1]));
    const change = other.change({ ...of, atMs: of.atMs + 1, spec: { image: 0, ...labels } });
    kind.detector.learn(eventOf(change, { name: of.name, row: 11, known: true }));
  }
  for (let row = 0; row < 10; row++) for (let i = 0; i < 40; i++) kind.learn(row, `note${row}-${i}`);
  const { surprise, sentence = '' } = kind.told(kind.edit(3, 'paused'));
  assert.ok(surprise > before / 3, `${surprise}, ${before} before`);
  assert.match(sentence, /none went that way/);
});
