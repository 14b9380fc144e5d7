import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createRandom } from '../../src/demo/random.ts';
import { CrowsnestError } from '../../src/domain/errors.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { catchUp } from '../../src/pipeline/catch-up.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { live, shortStream } from '../support/judged-record.ts';

const SEED = 11;
const RESTARTS = 50;
const OTHER_VERSION = 0;

it('gives way after 5 ms where it learns again and after 20 where it judges, and before all of it', async () => {
  let [nowMs, done, steps] = [0, 0, 0];
  const longest = { relearning: 0, judging: 0 };
  const phase = () => (done >= 8_000 ? 'current' : done >= 4_000 ? 'judging' : 'relearning');
  const step = (items = 1) => {
    steps++;
    const during = phase();
    // The number of items is found by trying, so the first long step of a phase is twice as long as it may be.
    if (during !== 'current') longest[during] = Math.max(longest[during], items);
    nowMs += items;
    done += items;
    return [];
  };
  const clock = { nowMs: () => nowMs, sleep: async () => undefined };
  const options = { clock, logger: createLogger('silent'), signal: new AbortController().signal, onPaged: () => {} };
  const ended = catchUp({ ...options, analysis: { phase, step, behind: () => undefined, saveSnapshot: () => {} } });
  assert.equal(steps, 0);
  await ended;
  assert.deepEqual(longest, { relearning: 8, judging: 32 });
});

describe('one stream, whatever the restarts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-catch-up-'));
  const at = (name: string) => join(folder, name);
  const batches = shortStream(SEED);
  /** Of a life without an end. */
  const undisturbed: Finding[] = [];
  let pages: string[];

  const pagesOf = (life: ReturnType<typeof live>) =>
    life.store.findings({ limit: 500, verdict: 'page' }).items.map(({ id }) => id);
  const noSnapshot = (life: ReturnType<typeof live>) =>
    life.store.saveSnapshot('model', { version: OTHER_VERSION, seq: 1, blob: Buffer.alloc(8) });

  before(() => {
    const life = live(at('undisturbed.db'), undisturbed);
    for (const batch of batches) life.analysis.analyze(life.ingest.record(batch).changes);
    life.analysis.saveSnapshot();
    pages = pagesOf(life);
    life.end();
    const recorder = live(at('recorded.db'));
    for (const batch of batches) recorder.ingest.record(batch);
    recorder.end();
  });
  after(() => rmSync(folder, { recursive: true }));

  it('says something about changes, silences and series, and pages', () => {
    const types = new Set(undisturbed.map(({ subject }) => subject.type));
    assert.deepEqual([...types].sort(), ['change', 'series', 'silence']);
    assert.ok(pages.length > 0);
  });

  it('recorded first and judged in one go gives the same findings', () => {
    copyFileSync(at('recorded.db'), at('one-go.db'));
    const seen: Finding[] = [];
    const life = live(at('one-go.db'), seen);
    life.analysis.catchUp();
    assert.equal(life.analysis.behind(), undefined);
    assert.deepEqual(seen, undisturbed);
    assert.deepEqual(pagesOf(life), pages);
    life.end();
  });

  it(`with ${RESTARTS} restarts, clean, by kill, and with a model of another version, gives the same findings`, () => {
    const random = createRandom(`restarts/${SEED}`);
    const ends = new Set<number>();
    while (ends.size < RESTARTS) ends.add(random.int(1, batches.length - 1));
    const seen: Finding[] = [];
    let life = live(at('restarts.db'), seen);
    let restarts = 0;
    for (const [i, batch] of batches.entries()) {
      const { changes } = life.ingest.record(batch);
      if (!ends.has(i)) {
        life.analysis.analyze(changes);
        continue;
      }
      restarts++;
      // Some end between recording and judging, some with what was learnt since the last snapshot lost, two with all of it.
      if (restarts % 3 !== 0) life.analysis.analyze(changes);
      if (restarts % 2 === 0) life.analysis.saveSnapshot();
      if (restarts % 20 === 0) noSnapshot(life);
      life.end();
      life = live(at('restarts.db'), seen);
      life.analysis.catchUp();
    }
    assert.equal(restarts, RESTARTS);
    assert.deepEqual(seen, undisturbed);
    assert.deepEqual(pagesOf(life), pages);
    life.end();
  });

  it('killed again and again while it learns the record again, it begins where it kept what it had, and nothing is told twice', () => {
    copyFileSync(at('undisturbed.db'), at('relearn.db'));
    const seen: Finding[] = [];
    let life = live(at('relearn.db'), seen);
    noSnapshot(life);
    life.end();
    life = live(at('relearn.db'), seen);
    assert.deepEqual(life.analysis.behind(), { phase: 'relearning', done: 0, all: life.store.counts().changes });
    let left = Number.POSITIVE_INFINITY;
    let lives = 1;
    for (let kept = true; life.analysis.behind() !== undefined; kept = !kept) {
      for (let steps = 0; steps < 7 && life.analysis.behind() !== undefined; steps++) life.analysis.step(150);
      const behind = life.analysis.behind();
      if (kept) {
        life.analysis.saveSnapshot();
        const now = behind === undefined ? 0 : behind.all - behind.done;
        assert.ok(now < left, 'it comes nearer');
        left = now;
      }
      if (behind === undefined) break;
      life.end();
      life = live(at('relearn.db'), seen);
      lives++;
    }
    assert.ok(lives > 4, `${lives} lives`);
    assert.deepEqual(seen, []);
    assert.deepEqual(pagesOf(life), pages);
    const began = live(at('undisturbed.db'));
    assert.deepEqual(life.analysis.model.maturity(), began.analysis.model.maturity());
    began.end();
    life.end();
  });

  it('goes on recording while it is behind; what comes is judged after what was there, in order, once', async () => {
    const half = Math.floor(batches.length / 2);
    const seen: Finding[] = [];
    let life = live(at('meanwhile.db'), seen);
    for (const batch of batches.slice(0, half)) life.analysis.analyze(life.ingest.record(batch).changes);
    noSnapshot(life);
    life.end();
    life = live(at('meanwhile.db'), seen);
    const before = seen.length;
    let clock = 0;
    const done = catchUp({
      analysis: life.analysis,
      // Each look at it takes 15 ms, so that steps stay short.
      clock: { nowMs: () => (clock += 15), sleep: async () => undefined },
      logger: createLogger('silent'),
      signal: new AbortController().signal,
      onPaged: () => {},
    });
    let meanwhile = 0;
    for (const batch of batches.slice(half)) {
      const { changes } = life.ingest.record(batch);
      const late = life.analysis.behind() !== undefined;
      life.analysis.analyze(changes);
      if (late) {
        meanwhile++;
        if (life.analysis.behind()?.phase === 'relearning') assert.equal(seen.length, before);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await done;
    assert.ok(meanwhile > 10, `${meanwhile} batches came while it was behind`);
    assert.deepEqual(seen, undisturbed);
    assert.deepEqual(pagesOf(life), pages);
    life.end();
  });

  it('killed as soon as it is up to date, it has nothing to go through again', async () => {
    copyFileSync(at('recorded.db'), at('kept.db'));
    const life = live(at('kept.db'));
    const clock = { nowMs: () => 0, sleep: async () => undefined };
    const { signal } = new AbortController();
    await catchUp({ analysis: life.analysis, clock, logger: createLogger('silent'), signal, onPaged: () => {} });
    life.end();
    const next = live(at('kept.db'));
    assert.equal(next.analysis.behind(), undefined);
    next.end();
  });

  it('learnt again, it keeps that before it judges what came since', async () => {
    copyFileSync(at('undisturbed.db'), at('learnt.db'));
    let life = live(at('learnt.db'));
    noSnapshot(life);
    life.end();
    life = live(at('learnt.db'));
    const stopping = new AbortController();
    const analysis = { ...life.analysis, step: (items?: number) => life.analysis.step(items) };
    const save = life.analysis.saveSnapshot;
    analysis.saveSnapshot = () => {
      save();
      stopping.abort();
    };
    const clock = { nowMs: () => 0, sleep: async () => undefined };
    await catchUp({ analysis, clock, logger: createLogger('silent'), signal: stopping.signal, onPaged: () => {} });
    assert.equal(life.analysis.behind()?.phase, 'judging');
    life.end();
    const next = live(at('learnt.db'));
    assert.equal(next.analysis.behind(), undefined);
    next.end();
  });

  it('waits out a full disk without losing a finding', async () => {
    copyFileSync(at('recorded.db'), at('full.db'));
    const seen: Finding[] = [];
    const life = live(at('full.db'), seen);
    let refusals = 0;
    const commit = life.store.commitAnalysis.bind(life.store);
    life.store.commitAnalysis = (batch) => {
      if (refusals++ % 2 === 0) throw new CrowsnestError({ code: 'STORE_FULL', what: 'the disk is full' });
      commit(batch);
    };
    const clock = { nowMs: () => 0, sleep: async () => undefined };
    const { signal } = new AbortController();
    let paged = 0;
    await catchUp({ analysis: life.analysis, clock, logger: createLogger('silent'), signal, onPaged: () => void paged++ });
    assert.ok(refusals > 10);
    assert.ok(paged > 0);
    assert.deepEqual(seen, undisturbed);
    assert.deepEqual(pagesOf(life), pages);
    life.end();
  });

  it('stops where it is told to', async () => {
    copyFileSync(at('recorded.db'), at('stopped.db'));
    const life = live(at('stopped.db'));
    const stopping = new AbortController();
    const clock = { nowMs: () => 0, sleep: async () => undefined };
    const done = catchUp({
      analysis: life.analysis,
      clock,
      logger: createLogger('silent'),
      signal: stopping.signal,
      onPaged: () => {},
    });
    stopping.abort();
    await done;
    assert.equal(life.analysis.behind()?.phase, 'judging');
    life.end();
  });
});
