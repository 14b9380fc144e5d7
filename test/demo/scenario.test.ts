import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { entryTime, formatEntry, parseLine } from '../../src/collector/recording/stream-format.ts';
import { END_MS, LAST_WEEK_MS, START_MS } from '../../src/demo/calendar.ts';
import { nextVersion } from '../../src/demo/operators/flux.ts';
import { ANOMALY_CLASSES, LOOK_ALIKE_CLASSES } from '../../src/demo/planted.ts';
import { createRandom } from '../../src/demo/random.ts';
import { generateScenario, type Scenario } from '../../src/demo/scenario.ts';
import type { Observation } from '../../src/domain/change.ts';
import { type JsonObject, jsonEqual } from '../../src/domain/json.ts';
import { objectKey, refOf } from '../../src/domain/object-ref.ts';

const SEEDS = [1, 5];
const scenarios = new Map<number, Scenario>();
before(() => {
  for (const seed of SEEDS) scenarios.set(seed, generateScenario(seed));
});

function observationsOf(scenario: Scenario): Observation[] {
  return scenario.entries.flatMap((entry) => ('observation' in entry ? [entry.observation] : []));
}

function fingerprint(scenario: Scenario): string {
  const hash = createHash('sha256');
  for (const entry of scenario.entries) hash.update(formatEntry(entry));
  return hash.update(JSON.stringify([scenario.planted, scenario.lookAlikes])).digest('hex');
}

describe('a version', () => {
  it('has a next one, which a mutable tag has not', () => {
    const random = createRandom('versions');
    assert.match(nextVersion('1.4.2', random), /^1\.(4\.3|5\.0)$/);
    assert.equal(nextVersion('latest', random), 'latest');
  });
});

describe('a scenario', () => {
  it('is the same for the same seed and another for another', () => {
    assert.equal(fingerprint(generateScenario(5)), fingerprint(scenarios.get(5)!));
    assert.notEqual(fingerprint(scenarios.get(1)!), fingerprint(scenarios.get(5)!));
  });

  for (const seed of SEEDS) {
    describe(`with seed ${seed}`, () => {
      let scenario: Scenario;
      let observations: Observation[];
      before(() => {
        scenario = scenarios.get(seed)!;
        observations = observationsOf(scenario);
      });

      it('covers four weeks in the order of time', () => {
        let last = START_MS;
        for (const entry of scenario.entries) {
          const tsMs = entryTime(entry);
          assert.ok(tsMs >= last && tsMs < END_MS && Number.isInteger(tsMs), `${tsMs} after ${last}`);
          last = tsMs;
        }
        assert.ok(END_MS - last < 3_600_000);
      });

      it('is of a believable size and variety', () => {
        const kinds = new Set(observations.map(({ object }) => object.kind));
        const namespaces = new Set(observations.map(({ object }) => object.metadata.namespace));
        const objects = new Set(observations.map(({ object }) => objectKey(refOf('c', object))));
        const people = new Set(observations.flatMap(({ actor }) => (actor?.startsWith('user:') ? [actor] : [])));
        assert.ok(observations.length > 8000 && observations.length < 15_000, `${observations.length} changes`);
        assert.ok(kinds.size >= 10 && namespaces.size >= 8, `${kinds.size} kinds in ${namespaces.size} namespaces`);
        assert.ok(objects.size >= 150 && objects.size <= 330, `${objects.size} objects`);
        assert.ok(people.size >= 15, `${people.size} people`);
      });

      it('follows the rules of an API server: versions, generations, lives', () => {
        const live = new Map<string, Observation['object']>();
        const uids = new Set<string>();
        let lastVersion = 0;
        for (const { type, object } of observations) {
          const { uid, resourceVersion, generation } = object.metadata;
          assert.match(uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
          assert.ok(Number(resourceVersion) > lastVersion, `${resourceVersion} after ${lastVersion}`);
          lastVersion = Number(resourceVersion);
          const key = objectKey(refOf('c', object));
          const before = live.get(key);
          if (type === 'ADDED') {
            assert.ok(before === undefined && !uids.has(uid), `a second life of ${key} without a new uid`);
            assert.equal(generation, 1);
            uids.add(uid);
          } else {
            assert.equal(before?.metadata.uid, uid, `${type} of ${key} in another life`);
            const rises = type === 'MODIFIED' && !jsonEqual(before?.spec, object.spec) ? 1 : 0;
            assert.equal(generation, Number(before?.metadata.generation) + rises, `generation of ${key} at ${resourceVersion}`);
          }
          if (type === 'DELETED') live.delete(key);
          else live.set(key, object);
        }
      });

      it('makes an event only of what changed', () => {
        const last = new Map<string, string>();
        for (const { type, object } of observations) {
          const { resourceVersion: _, managedFields: __, ...metadata } = object.metadata;
          const content = JSON.stringify({ ...object, metadata });
          if (type === 'MODIFIED') assert.notEqual(last.get(object.metadata.uid), content);
          last.set(object.metadata.uid, content);
        }
      });

      it('tells in managedFields who wrote, in whole seconds, status apart', () => {
        const last = new Map<string, JsonObject>();
        let checked = 0;
        for (const { type, object, observedMs, actor } of observations) {
          const owners = object.metadata.managedFields as JsonObject[];
          assert.ok(owners.length > 0);
          if (type === 'MODIFIED') {
            const before = last.get(object.metadata.uid)!;
            const second = new Date(observedMs - (observedMs % 1000)).toISOString().replace('.000Z', 'Z');
            const writers = owners.filter(({ time }) => time === second);
            const onlyStatus = jsonEqual(before.spec, object.spec) && jsonEqual(labelsOf(before), labelsOf(object));
            // Whoever only removes a field leaves no trace, here as in the real server.
            if (writers.length > 0) {
              checked += 1;
              const wroteStatus = writers.some(({ subresource }) => subresource === 'status');
              if (onlyStatus) assert.ok(wroteStatus && actor === undefined, `status write at ${object.metadata.resourceVersion}`);
              else assert.ok(writers.some(({ subresource }) => subresource === undefined) && actor !== undefined);
            }
          }
          last.set(object.metadata.uid, object);
        }
        assert.ok(checked > observations.length * 0.8, `${checked} of ${observations.length}`);
      });

      it('has scrapes whose counters only fall when a controller restarts', () => {
        const last = new Map<string, number>();
        const falls = new Set<string>();
        let scrapes = 0;
        for (const entry of scenario.entries) {
          if (!('scrape' in entry)) continue;
          scrapes += 1;
          for (const { metric, labels, value } of entry.scrape.samples) {
            assert.ok(Number.isFinite(value) && value >= 0);
            if (metric === 'workqueue_depth') continue;
            const key = `${metric} ${JSON.stringify(labels)}`;
            if (value < (last.get(key) ?? 0)) falls.add(`${entry.scrape.target} ${entry.scrape.tsMs}`);
            last.set(key, value);
          }
        }
        assert.ok(scrapes > 4 * 28 * 24 * 5, `${scrapes} scrapes`);
        const targets = [...falls].map((fall) => fall.split(' ')[0]);
        for (const target of targets)
          assert.ok(targets.filter((one) => one === target).length <= 2, `${target} restarts all the time`);
      });

      it('plants eight anomalies of eight classes into the last week, a metric one among them', () => {
        const { planted } = scenario;
        assert.equal(planted.length, 8);
        assert.equal(new Set(planted.map((one) => one.class)).size, 8);
        for (const one of planted) {
          assert.ok(ANOMALY_CLASSES.includes(one.class));
          assert.ok(one.tsMs >= LAST_WEEK_MS && one.endMs < END_MS && one.dueMs >= one.endMs, one.class);
          assert.ok(one.description !== '' && one.detectHint !== '' && one.ref !== undefined, one.class);
          for (const { tsMs } of one.events)
            assert.ok(tsMs >= one.tsMs && tsMs <= one.endMs + 60_000 * 15, `${one.class} ${tsMs}`);
          const bare = ['silence', 'reconcile-slow', 'reconcile-errors'].includes(one.class);
          assert.ok(bare || one.events.length > 0, `${one.class} has no event`);
        }
        assert.ok(planted.some(({ controller }) => controller !== undefined));
      });

      it('has look-alikes in the last week that the stream shows', () => {
        const { lookAlikes } = scenario;
        assert.ok(lookAlikes.length >= 6);
        assert.equal(new Set(lookAlikes.map((one) => one.class)).size, lookAlikes.length);
        for (const one of lookAlikes) {
          assert.ok(LOOK_ALIKE_CLASSES.includes(one.class) && one.tsMs >= LAST_WEEK_MS && one.tsMs < END_MS);
          assert.ok(one.controller !== undefined || one.events.length > 0, `${one.class} shows nowhere`);
        }
      });

      it('names only events that are in the stream, each for one thing', () => {
        const versions = new Set(observations.map(({ object }) => object.metadata.resourceVersion));
        const seen = new Set<string>();
        for (const mark of [...scenario.planted, ...scenario.lookAlikes]) {
          for (const version of [...mark.events.map(({ resourceVersion }) => resourceVersion), ...mark.aftermath]) {
            assert.ok(versions.has(version) && !seen.has(version), `${mark.id} ${version}`);
            seen.add(version);
          }
        }
      });

      it('says nothing of it in the lines', () => {
        const context = { cluster: 'x', file: 'x', observedMs: 0 };
        const allowed = new Set(['type', 'ts', 'cluster', 'actor', 'object', 'target', 'samples']);
        for (const [i, entry] of scenario.entries.entries()) {
          const text = formatEntry(entry);
          assert.doesNotMatch(text, /planted|look-alike|anomal|aftermath/);
          if (i % 10 > 0) continue;
          for (const key of Object.keys(JSON.parse(text))) assert.ok(allowed.has(key), key);
          assert.deepEqual(parseLine(text, 1, context), entry);
        }
      });
    });
  }
});

function labelsOf(object: JsonObject): JsonObject {
  const { labels = null, annotations = null } = object.metadata as JsonObject;
  return { labels, annotations };
}

describe('over many seeds', () => {
  it('every class is planted somewhere, at different places and times', { timeout: 120_000 }, () => {
    const classes = new Set<string>();
    const places = new Set<string>();
    const others = [11, 12].map((seed) => generateScenario(seed));
    for (const { planted } of [...scenarios.values(), ...others]) {
      for (const one of planted) {
        classes.add(one.class);
        places.add(`${one.class} ${one.ref?.name} ${one.tsMs}`);
      }
    }
    assert.deepEqual([...classes].toSorted(), ANOMALY_CLASSES.toSorted());
    assert.ok(places.size >= 30, `${places.size} of 32`);
  });
});
