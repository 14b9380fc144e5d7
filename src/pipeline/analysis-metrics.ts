/** How far the model is behind what is recorded. */
import { Gauge, type Registry } from 'prom-client';
import type { Analysis, Behind } from './analyze.ts';

const PHASES: readonly Behind['phase'][] = ['relearning', 'judging'];

export function publishAnalysisMetrics(analysis: Pick<Analysis, 'behind'>, registry: Registry): void {
  new Gauge({
    name: 'crowsnest_model_behind_changes',
    help: 'Recorded changes that the model has yet to go through before it judges what comes, by what it does: learning again what was judged before, or judging what was not. 0 but for some time after a start.',
    labelNames: ['phase'],
    registers: [registry],
    collect() {
      const behind = analysis.behind();
      for (const phase of PHASES) this.set({ phase }, behind?.phase === phase ? behind.all - behind.done : 0);
    },
  });
}
