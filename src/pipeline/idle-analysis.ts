import type { Model } from '../model/model.ts';
import type { Analysis } from './analyze.ts';

/**
 * The second hop switched off: changes are recorded and nothing is judged. It moves no cursor, so the first run with the model on
 * judges what was recorded in the meantime.
 */
export function createIdleAnalysis(model: Model): Analysis {
  const place = () => ({ seq: 0, position: 0 });
  const none = () => [];
  return {
    model,
    analyze: none,
    behind: () => undefined,
    phase: () => 'current',
    step: none,
    catchUp: none,
    advance: none,
    hear: () => {},
    place,
    levelOf: () => undefined,
    isStored: () => true,
    store: none,
    saveSnapshot: () => {},
  };
}
