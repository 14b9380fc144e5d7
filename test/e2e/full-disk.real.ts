/** The service on a file system of 64 MB that is filled to the last byte under load, beside a real API server and a real Alertmanager. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { checkDatabase } from '../../src/store/file/check.ts';
import { startFirstLight } from '../support/first-light.ts';
import { startAlertmanager } from '../support/real-alertmanager.ts';
import { recordedVersions } from '../support/recorded-versions.ts';
import { skipWithout } from '../support/skip-real.ts';
import { mountSmallDisk, skipSmallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

const ALERT = 'CrowsnestStoreReadOnly';
const OBJECTS = 5;

describe('a disk of 64 MB filled to the last byte under load', {
  skip: skipWithout('kube-apiserver', 'kubectl', 'alertmanager') || skipSmallDisk(),
}, () => {
  it('raises an alarm, loses nothing, and records on without a restart once there is room', async () => {
    const disk = mountSmallDisk(64 * 1024 * 1024);
    const alertmanager = await startAlertmanager({ groupWaitMs: 0 });
    const light = await startFirstLight();
    try {
      const db = join(disk.path, 'crowsnest.db');
      const written = new Set<string>();
      for (let i = 0; i < OBJECTS; i++) written.add(await light.create(`engine-${i}`, { counter: 0 }));
      const crowsnest = await light.serve(['--db', db, '--alertmanager', alertmanager.url]);
      await light.watched(crowsnest);
      const stopWriting = new AbortController();
      const writing = write(light, written, stopWriting.signal);
      const metric = async (name: string) =>
        Number(new RegExp(`^crowsnest_${name} (\\S+)$`, 'm').exec(await crowsnest.metrics())?.[1]);
      const fires = async () => (await alertmanager.alerts()).some(({ labels }) => labels.alertname === ALERT);
      await until('changes are recorded', async () => (await metric('store_changes')) > 100);

      disk.fill();
      await until('the store says that it cannot be written', async () => (await metric('store_read_only')) === 1);
      // What the log had room for is gone by now too.
      assert.equal(disk.left(), 0);
      await until('the alarm is raised', fires);
      await assert.rejects(crowsnest.get('/readyz?verbose'), /NOT_READY/);
      const whileFull = await recordedVersions(crowsnest, 'Engine');
      assert.ok(whileFull.length > 100, 'what is recorded can be read while the disk is full');
      const from = written.size;
      await until('more is written meanwhile', () => written.size > from + 100);

      disk.free();
      await until('writing works again', async () => (await metric('store_read_only')) === 0);
      await until('the alarm is over', async () => !(await fires()));
      stopWriting.abort();
      await writing;
      const recorded = await until('the last change is recorded', async () => {
        const versions = await recordedVersions(crowsnest, 'Engine');
        return versions.includes([...written].at(-1) as string) ? versions : undefined;
      });
      const unique = new Set(recorded);
      assert.deepEqual(
        [...written].filter((version) => !unique.has(version)),
        [],
        'lost',
      );
      assert.equal(recorded.length, unique.size, 'twice');
      assert.deepEqual(
        whileFull.filter((version) => !unique.has(version)),
        [],
        'what was shown as recorded stays',
      );
      assert.equal(await crowsnest.stop(), 0);
      assert.deepEqual((await checkDatabase({ file: db })).problems, []);
    } finally {
      await light.stop();
      await alertmanager.stop();
      disk.unmount();
    }
  });
});

async function write(
  light: Awaited<ReturnType<typeof startFirstLight>>,
  written: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  for (let n = 1; !signal.aborted; n++) {
    const filler = Array.from({ length: 40 }, (_, i) => `${(n * 7919 + i * 104_729) % 1_000_003}`).join('-');
    written.add(await light.patch(`engine-${n % OBJECTS}`, { counter: n, filler }, 'writer'));
    await delay(10);
  }
}
