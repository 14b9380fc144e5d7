/** A network beside a seeded store: two versions, the first with weights that can be read back. */

import type { NeuralPort, NeuralVersion } from '../../src/model/neural/neural-view.ts';
import type { Outlook } from '../../src/model/neural/outlook.ts';
import { standingOf } from '../../src/model/neural/promotion.ts';
import { seededChance } from '../../src/model/neural/seeded.ts';
import { initialWeights, packWeights } from '../../src/model/neural/weights.ts';

export const SEEDED_WEIGHTS = initialWeights([3, 2, 3], seededChance(1));

export function seededNeural(): NeuralPort & { asked: string[] } {
  const asked: string[] = [];
  let pinned: number | undefined;
  const version = (id: number): NeuralVersion => ({
    ...{ id, slot: id - 1, seed: 7, throughSeq: 100 * id, throughMs: Date.parse('2026-08-20T00:00:00Z'), backend: 'wasm' },
    ...{
      seconds: 4.2,
      cpuSeconds: 4,
      bytes: 200,
      trainedOn: 90,
      loss: 0.03,
      measured: 10,
      planted: 8,
      toldByNetwork: 0.25,
      toldByPairs: 0.5,
    },
  });
  const forecaster = {
    ...{ ...version(1), windows: 5_000, series: 3, forecasts: 900, errors: { network: 0.9 }, earned: true },
    ...{ chosenWithout: 0.9, chosenWith: 0.8, inBand: 0.78 },
  };
  const outlook: Outlook = {
    ...{ cluster: 'prod-eu', target: '10.0.0.1:8080', controller: 'kafka', what: 'busy-workers', limit: 1, atMs: 0, now: 0.6 },
    aheadMs: [3_600_000, 10_800_000, 21_600_000],
    forecast: { expert: 'network', median: [0.7, 0.9, 1.1], low: [0.6, 0.7, Number.NaN], high: [0.8, 1.1, 1.4] },
    full: { inMs: 16_200_000, earliestMs: 8_400_000, latestMs: undefined },
  };
  const versions = [version(1), version(2)];
  return {
    asked,
    view: () => ({
      ...{ mode: 'shadow', pinned, versions, running: false, promoted: false, seq: 250, forecasters: [forecaster] },
      current: versions.find(({ id }) => id === pinned) ?? versions[1],
      progress: { state: 'idle', share: 0 },
      standing: standingOf({ versions, notable: [], confirmed: new Set() }),
      comparison: { judged: 150, both: 1, formsOnly: 4, networkOnly: 2 },
    }),
    weights: ({ id }) => (id === 1 ? packWeights(SEEDED_WEIGHTS) : undefined),
    outlooks: async () => [outlook],
    trainNow: () => void asked.push('train'),
    revert(id) {
      if (id !== undefined && !versions.some((one) => one.id === id)) return false;
      asked.push(`use ${id}`);
      pinned = id;
      return true;
    },
  };
}
