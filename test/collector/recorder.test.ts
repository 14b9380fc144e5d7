import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createPlayback } from '../../src/collector/recording/playback.ts';
import { RecordedHeads } from '../../src/collector/recording/recorded-heads.ts';
import { createRecorder, type Recorder } from '../../src/collector/recording/recorder.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import type { Observation } from '../../src/domain/change.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { readKindSchema } from '../../src/domain/kind-schema.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { createSchemaBook } from '../../src/domain/schema-book.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

const logger = createLogger('silent');
const hash = keyedHash(Buffer.alloc(32, 7));
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recorder-'));
});
after(() => rm(folder, { recursive: true }));

/** A clock whose sleeps end when told. */
function handClock(): Clock & { wake(): void } {
  let wakes: (() => void)[] = [];
  return {
    nowMs: () => 0,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        wakes.push(resolve);
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
    wake() {
      for (const wake of wakes) wake();
      wakes = [];
    },
  };
}

function batch(...versions: number[]): SourceBatch {
  const observations = versions.map((version): Observation => {
    const metadata = {
      name: 'a',
      namespace: 'b',
      uid: 'u',
      resourceVersion: String(version),
      managedFields: [{ manager: 'kubectl' }],
    };
    const object: KubeObject = { apiVersion: 'v1', kind: 'Thing', metadata, spec: { password: 'hunter2', size: version } };
    return { cluster: 'c', type: 'MODIFIED', object, observedMs: version * 1000, origin: 'watch' };
  });
  const scrapes = [
    { cluster: 'c', target: 't', tsMs: versions[0]! * 1000, samples: [{ metric: 'up', labels: { a: 'b' }, value: 1 }] },
  ];
  return { observations, scrapes };
}

function record(file: string, clock: Clock = handClock()): Recorder {
  return createRecorder({ file, hash, clock, logger });
}

async function playedBack(file: string) {
  const playback = createPlayback({ file, clock: handClock(), logger });
  const versions: number[] = [];
  const rejects: string[] = [];
  const objects: KubeObject[] = [];
  await playback.run(async (played) => {
    for (const { object } of played.observations) {
      versions.push(Number(object.metadata.resourceVersion));
      objects.push(object);
    }
    rejects.push(...played.rejects!.map(({ code }) => code));
  }, new AbortController().signal);
  return { versions, rejects, objects, scrapes: playback.counts.scrapes };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 10_000; i++) {
    if (await condition()) return;
    await nextTurn();
  }
  assert.fail('the condition never came true');
}

it('is a sink that can be handed on alone', async () => {
  const file = join(folder, 'alone.ndjson');
  const recorder = record(file);
  const { write } = recorder;
  await write(batch(1));
  await recorder.close();
  assert.deepEqual((await playedBack(file)).versions, [1]);
});

it('says once that it failed, and refuses what comes after', async () => {
  const failures: unknown[] = [];
  const file = join(folder, 'no-such-folder', 'a.ndjson');
  const recorder = createRecorder({ file, hash, clock: handClock(), logger, onFailure: (error) => failures.push(error) });
  for (let i = 1; i <= 3; i++) {
    await assert.rejects(recorder.write(batch(i)), (error) => isCrowsnestError(error, 'STREAM_UNWRITABLE'));
  }
  assert.equal(failures.length, 1);
});

it('goes on with a recording from what is in it: heads, cursors, and nothing told twice', async () => {
  const file = join(folder, 'resumed.ndjson.zst');
  const first = new RecordedHeads();
  const recorder = createRecorder({ file, hash, clock: handClock(), logger, heads: first, head: { clusters: ['c'] } });
  await recorder.write({ ...batch(1, 2), cursors: { 'watch:c': 'at 2' } });
  await recorder.write({ observations: [], seenToMs: 2_000 });
  await recorder.close();

  const heads = new RecordedHeads();
  await heads.load(file, 'c');
  assert.deepEqual(
    heads.heads('c', '', 'Thing').map(({ uid, resourceVersion }) => [uid, resourceVersion]),
    [['u', '2']],
  );
  assert.deepEqual(heads.heads('c', '', 'Thing', 'elsewhere'), []);
  assert.equal(heads.cursor('watch:c'), 'at 2');

  const second = createRecorder({ file, hash, clock: handClock(), logger, heads, head: { clusters: ['c'] } });
  await second.write(batch(1, 2, 3));
  await second.close();
  assert.deepEqual([second.counts.observations, second.counts.repeats], [1, 2]);
  assert.deepEqual((await playedBack(file)).versions, [1, 2, 3]);
});

for (const ending of ['ndjson', 'ndjson.gz', 'ndjson.zst']) {
  describe(`a recorder to .${ending}`, () => {
    it('writes what a playback reads, masked, managedFields and all', async () => {
      const file = join(folder, `whole.${ending}`);
      const recorder = record(file);
      await recorder.write(batch(1, 2));
      await recorder.write(batch(3));
      await recorder.close();
      const { versions, rejects, objects, scrapes } = await playedBack(file);
      assert.deepEqual(versions, [1, 2, 3]);
      assert.deepEqual(rejects, []);
      assert.equal(scrapes, 2);
      assert.deepEqual(objects[0]!.metadata.managedFields, [{ manager: 'kubectl' }]);
      assert.deepEqual(objects[0]!.spec, { password: `masked:${hash('hunter2')}`, size: 1 });
      assert.equal(recorder.counts.observations, 3);
      assert.equal(recorder.counts.scrapes, 2);
    });

    it('is compressed as its name says', async () => {
      const head = (await readFile(join(folder, `whole.${ending}`))).subarray(0, 2).toString('hex');
      assert.equal(head, { ndjson: '7b22', 'ndjson.gz': '1f8b', 'ndjson.zst': '28b5' }[ending]);
    });

    it('has everything in the file once the flush interval has passed, though it is never closed', async () => {
      const file = join(folder, `crashed.${ending}`);
      const clock = handClock();
      const recorder = record(file, clock);
      await recorder.write(batch(1, 2, 3));
      clock.wake();
      await until(async () => (await playedBack(file)).versions.length === 3);
      await recorder.write(batch(4));
      clock.wake();
      await until(async () => (await playedBack(file)).versions.length === 4);
      const { rejects } = await playedBack(file);
      assert.deepEqual(rejects, ending === 'ndjson' ? [] : ['STREAM_TRUNCATED']);
      await recorder.close();
    });

    it('goes on with a recording that is there, even one that broke off', async () => {
      const file = join(folder, `again.${ending}`);
      await writeFile(file, await readFile(join(folder, `whole.${ending}`)));
      const second = record(file);
      await second.write(batch(4));
      await second.close();
      assert.deepEqual((await playedBack(file)).versions, [1, 2, 3, 4]);

      const whole = await readFile(file);
      await writeFile(file, whole.subarray(0, whole.length - 5));
      const third = record(file);
      await third.write(batch(5));
      await third.close();
      const { versions } = await playedBack(file);
      assert.equal(versions.at(-1), 5);
      assert.deepEqual(versions.slice(0, -1), [1, 2, 3, 4].slice(0, versions.length - 1));
    });
  });
}

describe('a recorder', () => {
  it('writes the secret to no file', async () => {
    for (const name of ['whole.ndjson', 'again.ndjson'])
      assert.ok(!(await readFile(join(folder, name), 'utf8')).includes('hunter2'));
  });

  it('makes no file when nothing came', async () => {
    const file = join(folder, 'nothing.ndjson');
    await record(file).close();
    await assert.rejects(stat(file));
  });

  it('counts rejects and drops none of the lines beside them', async () => {
    const file = join(folder, 'rejects.ndjson');
    const recorder = record(file);
    const reject = { cluster: 'c', code: 'OBJECT_INVALID', where: 'x', what: 'no uid', observedMs: 0 };
    await recorder.write({ ...batch(1), rejects: [reject] });
    await recorder.close();
    assert.equal(recorder.counts.rejects, 1);
    assert.deepEqual((await playedBack(file)).versions, [1]);
  });

  it('says what is wrong with a path, at each write', async () => {
    const file = join(folder, 'no', 'such', 'folder.zst');
    const recorder = record(file);
    const refused = (error: unknown) => isCrowsnestError(error, 'STREAM_UNWRITABLE') && error.where === file;
    await assert.rejects(recorder.write(batch(1)), refused);
    await assert.rejects(recorder.write(batch(2)), refused);
  });

  it('leaves a damaged recording alone', async () => {
    const file = join(folder, 'damaged.gz');
    const damaged = Buffer.from(await readFile(join(folder, 'whole.ndjson.gz')));
    damaged.fill(0xff, 30, 40);
    await writeFile(file, damaged);
    await assert.rejects(record(file).write(batch(1)), (error) => isCrowsnestError(error, 'STREAM_UNWRITABLE'));
    assert.deepEqual(await readFile(file), damaged);
  });
});

it('says by which keys lists are told apart before the first object, where that changes, and not again where it goes on', async () => {
  const file = join(folder, 'keys.ndjson');
  const schemas = createSchemaBook();
  const learn = (...keys: string[]) =>
    schemas.learn(
      'c',
      { group: '', kind: 'Thing' },
      readKindSchema(
        keys.length === 0 ? {} : { properties: { spec: { properties: { ports: { 'x-kubernetes-list-map-keys': keys } } } } },
      ),
    );
  const going = async (write: (recorder: Recorder) => Promise<void>) => {
    const heads = new RecordedHeads();
    await heads.load(file, 'c');
    const recorder = createRecorder({ file, hash, clock: handClock(), logger, heads, schemas });
    await write(recorder);
    await recorder.close();
  };
  learn('port', 'protocol');
  await going(async ({ write }) => {
    await write(batch(1));
    // Read again and the same.
    learn('port', 'protocol');
    await write(batch(2));
    learn('port');
    await write(batch(3));
  });
  await going(({ write }) => write(batch(4)));
  learn();
  await going(({ write }) => write(batch(5)));
  const lines = (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
  const told = lines.flatMap(({ type, keys, object }): string[] => {
    if (type === 'LISTKEYS') return [`keys ${keys.lists?.members.spec.members.ports.keys.join('+')}`];
    return type === 'MODIFIED' ? [object.metadata.resourceVersion] : [];
  });
  assert.deepEqual(told, ['keys port+protocol', '1', '2', 'keys port', '3', '4', 'keys undefined', '5']);
});
