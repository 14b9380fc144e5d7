import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { createPlayback, LINE_BYTES_MAX, type PlaybackOptions } from '../../src/collector/recording/playback.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

const START = Date.UTC(2026, 4, 4);
const logger = createLogger('silent');
const still: Clock = { nowMs: () => 42, sleep: () => Promise.reject(new Error('nothing should wait')) };

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playback-'));
});
after(() => rm(folder, { recursive: true }));

function event(i: number, fields: Record<string, unknown> = {}): string {
  const metadata = { name: `n${i}`, uid: `u-${i}`, resourceVersion: String(i) };
  const object = { apiVersion: 'v1', kind: 'Thing', metadata };
  return JSON.stringify({ type: 'ADDED', ts: new Date(START + i * 1000).toISOString(), object, ...fields });
}

function events(count: number): string {
  return Array.from({ length: count }, (_, i) => `${event(i)}\n`).join('');
}

function scrape(i: number): string {
  return JSON.stringify({ type: 'METRICS', ts: new Date(START + i * 1000).toISOString(), target: 't', samples: [['up', {}, 1]] });
}

let files = 0;
async function play(content: string | Buffer, options: Partial<PlaybackOptions> = {}) {
  files += 1;
  const file = options.file ?? join(folder, `${files}.ndjson`);
  await writeFile(file, content);
  const batches: SourceBatch[] = [];
  const playback = createPlayback({ clock: still, logger, ...options, file });
  await playback.run(async (batch) => void batches.push(structuredClone(batch)), new AbortController().signal);
  const observations = batches.flatMap((batch) => batch.observations);
  const rejects = batches.flatMap((batch) => batch.rejects ?? []);
  return {
    playback,
    batches,
    observations,
    rejects,
    versions: observations.map(({ object }) => Number(object.metadata.resourceVersion)),
  };
}

const packers: Record<string, (text: string) => Buffer> = {
  plain: (text) => Buffer.from(text),
  gzip: (text) => gzipSync(text),
  'gzip in two members': (text) => Buffer.concat([gzipSync(text.slice(0, 500)), gzipSync(text.slice(500))]),
  zstd: (text) => zstdCompressSync(text),
  'zstd in two frames': (text) => Buffer.concat([zstdCompressSync(text.slice(0, 500)), zstdCompressSync(text.slice(500))]),
  'zstd with a window of 1 GiB': (text) =>
    zstdCompressSync(text, { params: { [constants.ZSTD_c_windowLog]: 30, [constants.ZSTD_c_enableLongDistanceMatching]: 1 } }),
};

describe('playback', () => {
  for (const [name, pack] of Object.entries(packers)) {
    it(`reads ${name} whatever the file is called, in order and in batches`, async () => {
      const { versions, batches, rejects, playback } = await play(pack(events(700)));
      assert.deepEqual(
        versions,
        Array.from({ length: 700 }, (_, i) => i),
      );
      assert.deepEqual(
        batches.map(({ observations }) => observations.length),
        [256, 256, 188],
      );
      assert.deepEqual(rejects, []);
      const others = { scrapes: 0, bookmarks: 0, claims: 0, kubeEvents: 0, gaps: 0, verdicts: 0, rejects: 0, skipped: 0 };
      assert.deepEqual(playback.counts, { lines: 700, observations: 700, ...others });
    });
  }

  it('takes cluster and origin for lines that state none', async () => {
    const { observations } = await play(`${event(1)}\n${event(2, { cluster: 'own' })}\n`, { cluster: 'given' });
    assert.deepEqual(
      observations.map(({ cluster, origin }) => [cluster, origin]),
      [
        ['given', 'replay'],
        ['own', 'replay'],
      ],
    );
  });

  it('keeps the order of time over observations and scrapes: an observation after a scrape opens a batch', async () => {
    const { batches } = await play([event(1), scrape(2), scrape(3), event(4), event(5), scrape(6)].join('\n'));
    assert.deepEqual(
      batches.map((batch) => [batch.observations.length, batch.scrapes!.length]),
      [
        [1, 2],
        [2, 1],
      ],
    );
  });

  const lines = events(4).trimEnd().split('\n');
  const bad = Buffer.concat([
    Buffer.from(`${lines[0]}\n`),
    Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]),
    Buffer.from(`${lines[1]}\n`),
  ]);
  const faults: {
    name: string;
    content: string | Buffer;
    versions: number[];
    rejects: [string, number][];
    bookmarks?: number;
  }[] = [
    {
      name: 'a broken line in the middle',
      content: `${lines[0]}\n{oops\n${lines[1]}\n`,
      versions: [0, 1],
      rejects: [['STREAM_BAD_LINE', 2]],
    },
    { name: 'invalid UTF-8', content: bad, versions: [0, 1], rejects: [['STREAM_BAD_LINE', 2]] },
    {
      name: 'an object without uid',
      content: `${event(0).replace('"uid":"u-0",', '')}\n${lines[1]}\n`,
      versions: [1],
      rejects: [['STREAM_BAD_LINE', 1]],
    },
    {
      name: 'bookmarks and empty lines',
      content: `${lines[0]}\n\n{"type":"BOOKMARK"}\n  \r\n${lines[1]}\r\n`,
      versions: [0, 1],
      rejects: [],
      bookmarks: 1,
    },
    { name: 'a byte order mark', content: `\uFEFF${lines[0]}\n`, versions: [0], rejects: [] },
    { name: 'a last line without line feed', content: lines.join('\n'), versions: [0, 1, 2, 3], rejects: [] },
    {
      name: 'a last line cut in the middle',
      content: `${lines[0]}\n${lines[1]!.slice(0, -9)}`,
      versions: [0],
      rejects: [['STREAM_TRUNCATED', 2]],
    },
    {
      name: 'a last line cut within a character',
      content: Buffer.from(`${lines[0]}\n{"type":"é`).subarray(0, -1),
      versions: [0],
      rejects: [['STREAM_TRUNCATED', 2]],
    },
    {
      name: 'a complete but wrong last line',
      content: `${lines[0]}\n{"type":"NONE"}`,
      versions: [0],
      rejects: [['STREAM_BAD_LINE', 2]],
    },
    { name: 'an empty file', content: '', versions: [], rejects: [] },
    { name: 'one byte', content: 'x', versions: [], rejects: [['STREAM_TRUNCATED', 1]] },
  ];
  for (const { name, content, versions, rejects, bookmarks = 0 } of faults) {
    it(`survives ${name}`, async () => {
      const played = await play(content);
      assert.deepEqual(played.versions, versions);
      const where = (line: number) => `${join(folder, `${files}.ndjson`)}:${line}`;
      assert.deepEqual(
        played.rejects.map((reject) => [reject.code, reject.where]),
        rejects.map(([code, line]) => [code, where(line)]),
      );
      assert.equal(played.playback.counts.rejects, rejects.length);
      assert.equal(played.playback.counts.bookmarks, bookmarks);
    });
  }

  it('rejects a line over the limit without holding it, and goes on', async () => {
    const { versions, rejects } = await play(`${event(1)}\n{"x":"${'a'.repeat(LINE_BYTES_MAX)}"}\n${event(2)}\n`);
    assert.deepEqual(versions, [1, 2]);
    assert.equal(rejects.length, 1);
    assert.match(rejects[0]!.what, /over the limit/);
    assert.match(rejects[0]!.where, /:2$/);
  });

  for (const name of ['gzip', 'zstd']) {
    it(`keeps what comes before the end of a truncated ${name} file`, async () => {
      const whole = packers[name]!(events(5000));
      const { versions, rejects } = await play(whole.subarray(0, whole.length - 300));
      assert.ok(versions.length > 1000, `${versions.length} lines`);
      assert.deepEqual(
        versions,
        Array.from({ length: versions.length }, (_, i) => i),
      );
      assert.equal(rejects.length, 1);
      assert.equal(rejects[0]!.code, 'STREAM_TRUNCATED');
      assert.match(rejects[0]!.where, new RegExp(`:${versions.length + 1}$`));
    });

    it(`says so when only the end mark of a ${name} file is missing`, async () => {
      const whole = packers[name]!(events(3));
      const { rejects } = await play(whole.subarray(0, whole.length - 1));
      assert.deepEqual(
        rejects.map(({ code }) => code),
        ['STREAM_TRUNCATED'],
      );
    });

    it(`survives a damaged ${name} file`, async () => {
      const damaged = Buffer.from(packers[name]!(events(5000)));
      const middle = damaged.length >> 1;
      damaged.fill(0xa5, middle, middle + 40);
      const { rejects, versions } = await play(damaged);
      assert.ok(rejects.some(({ code, what }) => code === 'STREAM_TRUNCATED' || /JSON|UTF-8/.test(what)));
      assert.ok(versions.length < 5000);
    });
  }

  for (const [name, file] of [
    ['a missing file', 'missing.ndjson'],
    ['a folder', '.'],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const playback = createPlayback({ file: join(folder, file), clock: still, logger });
      await assert.rejects(
        playback.run(async () => {}, new AbortController().signal),
        (error) => isCrowsnestError(error, 'STREAM_UNREADABLE') && error.where === join(folder, file),
      );
    });
  }

  it('passes on what its sink throws', async () => {
    const file = join(folder, 'sink.ndjson');
    await writeFile(file, events(3));
    const playback = createPlayback({ file, clock: still, logger });
    await assert.rejects(
      playback.run(() => Promise.reject(new Error('store is full')), new AbortController().signal),
      /store is full/,
    );
  });

  it('reads a given stream, cut anywhere', async () => {
    const bytes = Buffer.from(events(20));
    async function* dribble() {
      for (let i = 0; i < bytes.length; i += 7) yield bytes.subarray(i, i + 7);
    }
    const seen: string[] = [];
    const playback = createPlayback({ file: 'stdin', stream: dribble(), clock: still, logger });
    await playback.run(
      async ({ observations }) => void seen.push(...observations.map(({ object }) => object.metadata.name)),
      new AbortController().signal,
    );
    assert.equal(playback.cursorName, 'replay:stdin');
    assert.deepEqual(
      seen,
      Array.from({ length: 20 }, (_, i) => `n${i}`),
    );
  });
});

describe('a play that goes on', () => {
  it('continues after the batch its cursor covers, with nothing lost and nothing twice', async () => {
    const file = join(folder, 'resumed.ndjson');
    await writeFile(file, zstdCompressSync(events(600)));
    const kill = new AbortController();
    const stored: { versions: string[]; cursor: string | undefined } = { versions: [], cursor: undefined };
    const sink = async (batch: SourceBatch) => {
      stored.versions.push(...batch.observations.map(({ object }) => object.metadata.resourceVersion));
      stored.cursor = batch.cursors!['replay:resumed.ndjson'];
      kill.abort();
    };
    await createPlayback({ file, clock: still, logger }).run(sink, kill.signal);
    assert.equal(stored.versions.length, 256);
    const second = createPlayback({
      file,
      clock: still,
      logger,
      from: (name) => (name === 'replay:resumed.ndjson' ? stored.cursor : undefined),
    });
    await second.run(sink, new AbortController().signal);
    assert.deepEqual(
      stored.versions,
      Array.from({ length: 600 }, (_, i) => String(i)),
    );
    assert.equal(second.counts.skipped, 256);
  });

  it('starts over for another recording of the same name', async () => {
    const file = join(folder, 'same-name.ndjson');
    const first = await play(events(5), { file });
    const cursor = first.batches[0]!.cursors!['replay:same-name.ndjson'];
    const second = await play(`${event(90)}\n${event(91)}\n`, { file, from: () => cursor });
    assert.deepEqual(second.versions, [90, 91]);
  });

  it('plays a line that was cut before once its recorder has finished it', async () => {
    const file = join(folder, 'growing.ndjson');
    const first = await play(`${event(0)}\n${event(1).slice(0, 20)}`, { file });
    assert.deepEqual(first.versions, [0]);
    const cursor = first.batches.at(-1)!.cursors!['replay:growing.ndjson'];
    const second = await play(events(3), { file, from: () => cursor });
    assert.deepEqual(second.versions, [1, 2]);
  });

  it('has nothing left when all was played', async () => {
    const file = join(folder, 'done.ndjson');
    const first = await play(events(5), { file });
    const second = await play(events(5), { file, from: () => first.batches[0]!.cursors!['replay:done.ndjson'] });
    assert.deepEqual(second.batches, []);
  });
});

describe('pace and progress', () => {
  it('waits for event time at the given speed, after handing over what is due', async () => {
    let nowMs = 1000;
    const sleeps: number[] = [];
    const clock: Clock = {
      nowMs: () => nowMs,
      sleep: async (ms) => {
        sleeps.push(ms);
        nowMs += ms;
      },
    };
    const times: [string, number][] = [];
    const file = join(folder, 'paced.ndjson');
    await writeFile(file, [event(0), event(0), event(60), event(30), event(120)].join('\n'));
    await createPlayback({ file, clock, logger, speed: 60 }).run(async ({ observations }) => {
      for (const { object } of observations) times.push([object.metadata.name, nowMs]);
    }, new AbortController().signal);
    assert.deepEqual(sleeps, [1000, 1000]);
    assert.deepEqual(times, [
      ['n0', 1000],
      ['n0', 1000],
      ['n60', 2000],
      ['n30', 2000],
      ['n120', 3000],
    ]);
  });

  it('ends quietly when told to while it waits', async () => {
    const stop = new AbortController();
    const clock: Clock = {
      nowMs: () => 0,
      sleep: async (_, signal) => {
        stop.abort();
        signal!.throwIfAborted();
      },
    };
    const file = join(folder, 'stopped.ndjson');
    await writeFile(file, events(10));
    const seen: string[] = [];
    await createPlayback({ file, clock, logger, speed: 1 }).run(async ({ observations }) => {
      seen.push(...observations.map(({ object }) => object.metadata.name));
    }, stop.signal);
    assert.deepEqual(seen, ['n0']);
  });

  it('reports bytes of the file up to all of them', async () => {
    const progress: number[] = [];
    let total = 0;
    const content = zstdCompressSync(events(1000));
    await play(content, {
      onProgress: (state) => {
        progress.push(state.bytesRead);
        total = state.bytesTotal;
      },
    });
    assert.equal(total, content.length);
    assert.equal(progress.at(-1), content.length);
    assert.deepEqual(
      progress,
      progress.toSorted((a, b) => a - b),
    );
  });
});
