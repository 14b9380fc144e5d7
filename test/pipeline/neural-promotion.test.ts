/** When a network may speak: its findings, with the version that said so, the same whatever the restarts, and none while in the shadow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../src/domain/change.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { Verdict } from '../../src/domain/verdict.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { confirmedBy } from '../../src/pipeline/neural/create-neural.ts';
import { feedOf, seenOf } from '../../src/pipeline/neural/followed-change.ts';
import { createNeuralFollower } from '../../src/pipeline/neural/neural-follower.ts';
import type { NeuralWorker } from '../../src/pipeline/neural/neural-worker.ts';
import type { Store } from '../../src/store/store.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { kafka, observed } from '../support/objects.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-01-05T08:00:00Z');
const SCHEDULE = { intervalMs: 24 * HOUR, changesMin: 100, changesMax: 400 };
const ODD_EVERY = 120;
const FALSE_AT = 60;
const never = new AbortController().signal;

/** Odd, and from the 27th on odder than ever. */
const surpriseOf = (fields: number) => (fields >= 6 ? 90 : fields >= 3 ? 20 : 1);

/** Tells a change of three fields and more from the others, and says of itself that it beats pairs. */
function knowing(store: Store): NeuralWorker {
  const figures = { trainedOn: 90, loss: 0.1, measured: 10, planted: 10, toldByNetwork: 0.9, toldByPairs: 0.1 };
  const feed = feedOf(store, 'UTC');
  return {
    running: false,
    close: async () => {},
    outlook: async () => ({ made: undefined, outlooks: [] }),
    train: async () => ({ weights: Uint8Array.from([1]), figures, backend: 'wasm', cpuSeconds: 1 }),
    async read({ after, limit, network }) {
      const changes = feed.changes(after, limit);
      const said = changes.flatMap(({ vector }) => {
        if (vector === undefined) return [];
        const fields = vector.indices.filter((index) => index < 256).length;
        return [{ surprise: surpriseOf(fields), feature: vector.indices[0] ?? 0, chance: 0.01, missing: false }];
      });
      return seenOf(feed, changes, network === undefined ? [] : said);
    },
  };
}

function record(store: Store, from: number, to: number): void {
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  for (let hour = from; hour < to; hour++) {
    const era = Math.floor(hour / ODD_EVERY);
    const more: Record<string, number> = era > 26 ? { a: era, b: era, c: era, d: era } : {};
    const spec = { version: `1.${hour}.0`, replicas: era, size: era, zone: `z${era}`, ...more };
    const observation = observed(hour === 0 ? 'ADDED' : 'MODIFIED', kafka('k', String(hour + 1), spec), START + hour * HOUR, {
      actor: 'bot:bump',
      origin: 'replay',
    });
    const { changes } = ingest.record({ observations: [observation] });
    if (hour % ODD_EVERY === FALSE_AT) store.commitAnalysis({ findings: changes.map(falseAlarm) });
  }
}

/** What the detectors without the network take for odd, and nobody confirms. */
function falseAlarm({ seq, ref, uid, actor, observedMs: tsMs, resourceVersion, type: changeType }: Change): Finding {
  const subject = { type: 'change' as const, seq, resourceVersion, changeType, ref, uid };
  return {
    ...{ id: `f-${seq}`, cluster: ref.cluster, summary: 's', episode: 'e', decision: { verdict: 'record', why: 'w' } },
    ...{ tsMs, subject, actor, score: 3, onceIn: 1_000, detector: 'leap', reasons: [], mature: true, deterministic: false },
    severity: 'info',
  };
}

const CHANGES = 4_000;
/** What people confirmed: every odd one. */
const confirmed = () => new Set(Array.from({ length: CHANGES / ODD_EVERY }, (_, i) => i * ODD_EVERY + 1).slice(1));

async function followed(store: Store, more: { mayPromote?: boolean } = {}) {
  const follower = createNeuralFollower({
    ...{ store, worker: knowing(store), clock: systemClock, schedule: SCHEDULE, confirmed },
    ...more,
  });
  await follower.follow({ signal: never });
  return follower;
}

const findingsOf = (store: Store): Finding[] => store.findings({ limit: 1_000, detector: 'network' }).items;

test('in the shadow it adds no finding, whatever it has earned', async () => {
  const store = openMemoryStore();
  record(store, 0, CHANGES);
  const follower = await followed(store);
  assert.equal(follower.standing().earned, true, follower.standing().why);
  assert.ok(follower.place.shadow.comparison.networkOnly > 10);
  assert.deepEqual(findingsOf(store), []);
});

test('promoted, its findings name the network that said so, page nobody, and are the same whatever the restarts', async () => {
  const whole = openMemoryStore();
  record(whole, 0, CHANGES);
  const follower = await followed(whole, { mayPromote: true });
  const found = findingsOf(whole);
  assert.ok(found.length >= 3, `${found.length}: ${follower.standing().why}`);
  for (const finding of found) {
    assert.equal(finding.decision.verdict, 'record');
    assert.equal(finding.subject.type === 'change' && finding.subject.seq % ODD_EVERY, 1);
    const id = Number(/^network (\d+)$/.exec(finding.reasons[0]?.scope ?? '')?.[1]);
    const version = follower.versions.list().find((one) => one.id === id);
    assert.ok(version === undefined || (finding.subject.type === 'change' && version.throughSeq < finding.subject.seq));
    assert.ok(id >= 3, 'no say before three trainings');
  }
  const pieces = openMemoryStore();
  for (let from = 0; from < CHANGES; from += 570) {
    record(pieces, from, Math.min(CHANGES, from + 570));
    await followed(pieces, { mayPromote: true });
  }
  const last = await followed(pieces, { mayPromote: true });
  assert.equal(last.place.promoted, true);
  assert.deepEqual(findingsOf(pieces), found);
});

test('what people called wrong counts from when they said so until they take it back', () => {
  const said = (seq: number, at: number, more: Partial<Verdict> = {}): Verdict => ({
    ...{ id: `v${seq}`, findingId: `f${seq}`, verdict: 'wrong', scope: { cluster: 'c' }, by: 'ann', givenMs: 0, expiresMs: 0 },
    ...{ place: { seq: at, position: 0 }, change: { seq, ms: 0 } },
    ...more,
  });
  const verdicts = [
    said(1, 10),
    said(2, 50),
    said(3, 10, { verdict: 'expected' }),
    said(4, 10, { withdrawn: { by: 'ann', ms: 0, place: { seq: 40, position: 0 } } }),
  ];
  assert.deepEqual([...confirmedBy(verdicts, 5)], []);
  assert.deepEqual([...confirmedBy(verdicts, 30)], [1, 4]);
  assert.deepEqual([...confirmedBy(verdicts, 60)], [1, 2]);
});
