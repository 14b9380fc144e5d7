import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SourceBatch } from '../../src/collector/source.ts';
import { AuditLogFile } from '../../src/collector/who/audit-log-file.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { until } from '../support/until.ts';

const list = JSON.parse(readFileSync(new URL('../../fixtures/audit/event-list.json', import.meta.url), 'utf8')) as {
  items: object[];
};
const line = (id: number) => `${JSON.stringify({ ...list.items[1], auditID: `id-${id}` })}\n`;

/** A log in a folder of its own, and a follower whose cursors outlive it. */
function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-audit-'));
  const path = join(folder, 'audit.log');
  const cursors = new Map<string, string>();
  const ids: string[] = [];
  const rejects: string[] = [];
  const running: { stop: () => Promise<void> }[] = [];
  const sink = async (batch: SourceBatch) => {
    ids.push(...(batch.claims ?? []).map(({ id }) => id));
    rejects.push(...(batch.rejects ?? []).map(({ what }) => what));
    for (const [name, position] of Object.entries(batch.cursors ?? {})) cursors.set(name, position);
  };
  const follow = async (lagMs = 0) => {
    const stopping = new AbortController();
    const file = new AuditLogFile({
      ...{ path, cluster: 'test', clock: systemClock, logger: createLogger('silent'), pollMs: 5, lagMs },
      cursors: { cursor: (name) => cursors.get(name) },
    });
    const done = file.run(sink, stopping.signal);
    const follower = {
      stop: () => {
        stopping.abort();
        return done;
      },
    };
    running.push(follower);
    await until('it follows', () => file.isFollowing, 5_000, 1);
    return follower;
  };
  t.after(async () => {
    for (const follower of running) await follower.stop();
    rmSync(folder, { recursive: true });
  });
  const reads = (...expected: number[]) =>
    until(
      `ids ${expected.join(' ')} (${ids.join(' ')})`,
      () => JSON.stringify(ids) === JSON.stringify(expected.map((id) => `id-${id}`)),
      5_000,
      5,
    );
  const isStored = (offset: number) =>
    until('the position is stored', () => [...cursors.values()].some((text) => JSON.parse(text).offset === offset), 5_000, 5);
  return { folder, path, follow, reads, ids, rejects, isStored, cursors };
}

test('reads what is written from now on, whole lines only', async (t) => {
  const { path, follow, reads } = setUp(t);
  writeFileSync(path, line(1) + line(2).slice(0, 50));
  await follow();
  appendFileSync(path, line(2).slice(50));
  await reads(2);
  const text = line(3);
  appendFileSync(path, text.slice(0, 100));
  appendFileSync(path, text.slice(100) + line(4));
  await reads(2, 3, 4);
});

test('a log that is not there yet is read from its beginning', async (t) => {
  const { path, follow, reads } = setUp(t);
  await follow();
  writeFileSync(path, line(1) + line(2));
  await reads(1, 2);
});

test('a renamed file is read to its end, then the one that took its name', async (t) => {
  const { path, folder, follow, reads } = setUp(t);
  await follow();
  writeFileSync(path, line(1));
  await reads(1);
  renameSync(path, join(folder, 'audit-2026-01-05T00-00-00.000.log'));
  appendFileSync(join(folder, 'audit-2026-01-05T00-00-00.000.log'), line(2));
  writeFileSync(path, line(3));
  await reads(1, 2, 3);
});

test('a file truncated in place is begun again, also when it is longer than before by then', async (t) => {
  const { path, folder, follow, reads, isStored } = setUp(t);
  writeFileSync(path, '');
  const first = await follow();
  appendFileSync(path, line(1));
  await reads(1);
  await isStored(Buffer.byteLength(line(1)));
  await first.stop();
  copyFileSync(path, join(folder, 'audit.log.1'));
  truncateSync(path);
  appendFileSync(path, line(7) + line(8) + line(9));
  await follow();
  await reads(1, 7, 8, 9);
});

test('goes on where it was after a restart, in the renamed file first', async (t) => {
  const { path, folder, follow, reads, isStored } = setUp(t);
  const first = await follow();
  writeFileSync(path, line(1));
  await reads(1);
  await isStored(Buffer.byteLength(line(1)));
  await first.stop();
  appendFileSync(path, line(2));
  renameSync(path, join(folder, 'audit.log.1'));
  writeFileSync(path, line(3));
  await follow();
  await reads(1, 2, 3);
});

test('the stored position lags, so that what waited in memory is told again', async (t) => {
  const { path, follow, reads, cursors } = setUp(t);
  const first = await follow(60_000);
  writeFileSync(path, line(1));
  await reads(1);
  await first.stop();
  assert.equal(cursors.size, 0);
});

test('a broken line is rejected and its neighbours are read', async (t) => {
  const { path, follow, reads, rejects } = setUp(t);
  await follow();
  writeFileSync(path, `${line(1)}{"broken\n\n${line(2)}{"kind":"Pod"}\n${line(3)}`);
  await reads(1, 2, 3);
  assert.deepEqual(rejects, ['not valid JSON', 'not an audit Event']);
});
