/** A network beside a seeded store: two versions, the first with weights that can be read back. */
import type { NeuralPort, NeuralVersion } from '../../src/model/neural/neural-view.ts';
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
  const versions = [version(1), version(2)];
  return {
    asked,
    view: () => ({
      ...{ mode: 'shadow', pinned, versions, running: false, promoted: false, seq: 250 },
      current: versions.find(({ id }) => id === pinned) ?? versions[1],
      progress: { state: 'idle', share: 0 },
      standing: standingOf({ versions, notable: [], confirmed: new Set() }),
      comparison: { judged: 150, both: 1, formsOnly: 4, networkOnly: 2 },
    }),
    weights: ({ id }) => (id === 1 ? packWeights(SEEDED_WEIGHTS) : undefined),
    trainNow: () => void asked.push('train'),
    revert(id) {
      if (id !== undefined && !versions.some((one) => one.id === id)) return false;
      asked.push(`use ${id}`);
      pinned = id;
      return true;
    },
  };
}
