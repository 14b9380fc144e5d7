/**
 * What every detector on changes promises, whatever it looks for: score changes nothing, learning is bounded and can be saved and
 * loaded, and a detector that knows nothing is not mature.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import type { Change } from '../../src/domain/change.ts';
import type { Detector, Group } from '../../src/model/detector.ts';
import { type ChangeEvent, eventOf, objectId } from '../../src/model/features.ts';
import { RowTable } from '../../src/model/habits/row-table.ts';
import { habit, Stream } from '../model/stream.ts';

export interface DetectorCase {
  name: string;
  /** A fresh detector; `track` stands for what the ensemble does beside it (shared habits, tempos). */
  make(): { detector: Detector; track?: (event: ChangeEvent) => void; shared?: { save(): unknown; load(state: never): void } };
  /** Facts hold without a past. */
  matureAtOnce?: boolean;
}

/** Of objects that hold nothing beside what changed. */
const STATELESS = { state: { apiVersion: 'x/v1', kind: 'X', metadata: { name: 'x', uid: 'x', resourceVersion: '1' } } };

/** A group of one event, as the ensemble builds it. */
export function groupOf(event: ChangeEvent): Group {
  return {
    actor: event.actor.name,
    firstMs: event.atMs,
    lastMs: event.atMs,
    events: [event],
    same: new Map(event.fields.map((field) => [field.done, 1])),
    objects: new Set([event.object]),
    lost: event.type === 'DELETED' ? 1 : 0,
    gone: new Map(),
    things: event.type === 'DELETED' ? 1 : 0,
    surprises: new Map(),
    tops: [],
  };
}

export function eventsOf(changes: readonly Change[]): ChangeEvent[] {
  const known = new Set<string>();
  const table = new RowTable();
  return changes.map((change) => {
    const name = objectId(change.ref);
    const event = eventOf(change, { name, row: table.rowOf(name), known: known.has(change.uid) });
    known.add(change.uid);
    return event;
  });
}

export function checkDetector(detectorCase: DetectorCase): void {
  const { name, make } = detectorCase;
  const past = eventsOf(habit(new Stream(), { seed: 7, days: 28 }));

  test(`${name}: scoring changes nothing, so the same question gets the same answer`, () => {
    const { detector, track, shared } = make();
    for (const [i, event] of past.entries()) {
      const before = i % 20 === 0 ? structuredClone([detector.save(), shared?.save()]) : undefined;
      const first = detector.score(event, groupOf(event), STATELESS);
      const second = detector.score(event, groupOf(event), STATELESS);
      assert.equal(first?.surprise, second?.surprise);
      if (first !== undefined) assert.ok(first.explain().sentence.endsWith('.'), first.explain().sentence);
      if (before !== undefined) assert.deepEqual([detector.save(), shared?.save()], before);
      detector.learn?.(event, groupOf(event));
      track?.(event);
    }
  });

  test(`${name}: surprises are positive numbers or nothing`, () => {
    const { detector, track } = make();
    for (const event of past) {
      const evidence = detector.score(event, groupOf(event), STATELESS);
      if (evidence !== undefined)
        assert.ok(evidence.surprise > 0 && Number.isFinite(evidence.surprise), String(evidence.surprise));
      detector.learn?.(event, groupOf(event));
      track?.(event);
    }
  });

  test(`${name}: ${detectorCase.matureAtOnce ? 'needs no past' : 'is immature before it has learnt'}`, () => {
    const { detector } = make();
    assert.equal(detector.mature(past[0] as ChangeEvent), detectorCase.matureAtOnce ?? false);
  });

  test(`${name}: goes on from a saved state as if nothing had happened`, () => {
    const whole = make();
    const half = make();
    const cut = Math.floor(past.length / 2);
    const feed = (made: ReturnType<DetectorCase['make']>, events: readonly ChangeEvent[]) =>
      events.map((event) => {
        const surprise = made.detector.score(event, groupOf(event), STATELESS)?.surprise;
        made.detector.learn?.(event, groupOf(event));
        made.track?.(event);
        return surprise;
      });
    const expected = feed(whole, past).slice(cut);
    feed(half, past.slice(0, cut));
    const restored = make();
    restored.detector.load(deserialize(serialize(half.detector.save())));
    if (half.shared !== undefined) restored.shared?.load(deserialize(serialize(half.shared.save())) as never);
    assert.deepEqual(feed(restored, past.slice(cut)), expected);
  });

  test(`${name}: memory stays bounded when names and values never repeat`, () => {
    const { detector, track, shared } = make();
    const stream = new Stream();
    const events = eventsOf(
      Array.from({ length: 2_000 }, (_, i) =>
        stream.change({
          atMs: past[0]!.atMs + i * 60_000,
          actor: 'flux',
          name: 'one',
          spec: { [`field-${i % 300}`]: `value ${i}`, rising: i, fixed: true },
        }),
      ),
    );
    const sizes: number[] = [];
    for (const [i, event] of events.entries()) {
      detector.score(event, groupOf(event), STATELESS);
      detector.learn?.(event, groupOf(event));
      track?.(event);
      if (i === 999 || i === 1_999) sizes.push(serialize([detector.save(), shared?.save()]).length);
    }
    const [half = 0, full = 0] = sizes;
    assert.ok(full <= half * 1.6 + 4_096, `${half} bytes after 1000 events, ${full} after 2000`);
  });
}
