/**
 * Changes at a steady rate while the service is killed (SIGKILL) again and again at random instants: is every resourceVersion that the API server
 * gave recorded, and none twice?
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CrowsnestProcess } from '../test/support/crowsnest-process.ts';
import { startFirstLight } from '../test/support/first-light.ts';
import { recordedVersions } from '../test/support/recorded-versions.ts';
import { until } from '../test/support/until.ts';
import { mulberry32 } from './random.ts';

export interface KillResult {
  kills: number;
  changes: number;
  lost: number;
  duplicated: number;
  /** Seconds of writing. */
  seconds: number;
}

const OBJECTS = 20;

export async function killNine({
  kills,
  changesPerSecond,
  seed,
}: {
  kills: number;
  changesPerSecond: number;
  seed: number;
}): Promise<KillResult> {
  const light = await startFirstLight();
  try {
    const written = new Set<string>();
    for (let i = 0; i < OBJECTS; i++) written.add(await light.create(`engine-${i}`, { counter: 0 }));
    const args = ['--db', join(light.server.folder, 'crowsnest.db'), '--log-level', 'warn'];
    let crowsnest: CrowsnestProcess = await light.serve(args);
    await light.watched(crowsnest);

    const writing = new AbortController();
    const startMs = performance.now();
    const writer = write(light, written, changesPerSecond, writing.signal);
    const random = mulberry32(seed);
    for (let kill = 0; kill < kills; kill++) {
      await delay(500 + random() * 2_000);
      await crowsnest.kill9();
      crowsnest = await light.serve(args);
    }
    await delay(1_000);
    writing.abort();
    await writer;
    const seconds = (performance.now() - startMs) / 1000;
    const last = [...written].at(-1);
    const recorded = await until('the last change is recorded', async () => {
      const versions = await recordedVersions(crowsnest, 'Engine');
      return versions.includes(last ?? '') ? versions : undefined;
    });
    const unique = new Set(recorded);
    const lost = [...written].filter((version) => !unique.has(version)).length;
    return { kills, changes: written.size, lost, duplicated: recorded.length - unique.size, seconds: Math.round(seconds) };
  } finally {
    await light.stop();
  }
}

async function write(
  light: Awaited<ReturnType<typeof startFirstLight>>,
  written: Set<string>,
  perSecond: number,
  signal: AbortSignal,
): Promise<void> {
  const startMs = performance.now();
  for (let n = 1; !signal.aborted; n++) {
    written.add(await light.patch(`engine-${n % OBJECTS}`, { counter: n }, 'writer'));
    const dueMs = startMs + (n * 1000) / perSecond;
    await delay(Math.max(0, dueMs - performance.now()));
  }
}
