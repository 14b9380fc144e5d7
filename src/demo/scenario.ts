/**
 * The demo's scenario: four weeks of a cluster that does not exist, from a seed. What is planted is returned beside the stream and never
 * in it. Nothing here knows how detection works: the stream is what such a cluster might record, look-alikes and first times included.
 */
import type { StreamEntry } from '../collector/recording/stream-format.ts';
import { plantAnomalies } from './anomalies/plant.ts';
import { CLUSTER } from './api-server.ts';
import { DAYS, END_MS, HOUR, LAST_WEEK_MS, MINUTE, START_MS } from './calendar.ts';
import { SCRAPE_MS } from './controller-metrics.ts';
import { arrangeLookAlikes } from './look-alikes.ts';
import { liveCertificates, populateCertificates } from './operators/cert-manager.ts';
import { liveCrossplane, populateCrossplane } from './operators/crossplane.ts';
import { liveFlux, populateFlux } from './operators/flux.ts';
import { liveModels, populateModels } from './operators/models.ts';
import { liveStreaming, populateStreaming } from './operators/strimzi.ts';
import type { LookAlike, Planted } from './planted.ts';
import { createRandom } from './random.ts';
import { liveStaff } from './staff.ts';
import { World } from './world.ts';

export interface Scenario {
  seed: number;
  cluster: string;
  startMs: number;
  endMs: number;
  /** In the order of time. */
  entries: readonly StreamEntry[];
  planted: readonly Planted[];
  lookAlikes: readonly LookAlike[];
}

/** The same seed gives the same scenario, byte for byte, on every machine. Takes about a second. */
export function generateScenario(seed: number): Scenario {
  const random = createRandom(`crowsnest-demo/${seed}`);
  const world = new World(random);
  populateFlux(world);
  populateCertificates(world);
  populateCrossplane(world);
  populateStreaming(world);
  populateModels(world);

  const planted = plantAnomalies(world, random.fork('anomalies'));
  const lookAlikes = arrangeLookAlikes(world, random.fork('look-alikes'));
  liveFlux(world);
  liveCertificates(world);
  liveCrossplane(world);
  liveStreaming(world);
  liveModels(world);
  liveStaff(world);
  liveControllers(world);
  world.run();

  planted.sort((a, b) => a.tsMs - b.tsMs);
  lookAlikes.sort((a, b) => a.tsMs - b.tsMs);
  return { seed, cluster: CLUSTER, startMs: START_MS, endMs: END_MS, entries: world.entries, planted, lookAlikes };
}

/** Scrapes at even times, restarts, and now and then a few minutes of a throttled API. */
function liveControllers(world: World): void {
  for (const metrics of world.metrics.values()) {
    const random = world.random.fork(`controllers/${metrics.spec.target}`);
    for (let tsMs = START_MS + random.int(1000, SCRAPE_MS - 1000); tsMs < END_MS; tsMs += SCRAPE_MS) {
      world.at(tsMs, () => world.entries.push({ scrape: metrics.scrape(world.nowMs) }));
    }
    for (let i = random.int(1, 2); i > 0; i--) {
      const blipMs = START_MS + random.int(1, DAYS * 24 * 60) * MINUTE;
      metrics.troubles.push({
        fromMs: blipMs,
        toMs: blipMs + random.int(15, 30) * MINUTE,
        errorShare: 0.05 + random.next() * 0.05,
      });
    }
    if (random.chance(0.5)) {
      const restartMs = START_MS + random.int(HOUR, LAST_WEEK_MS - START_MS);
      world.at(restartMs, () => metrics.restart());
    }
  }
}
