/** What the network is at, for scrapers. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { NeuralView } from '../../model/neural/neural-view.ts';

export interface NeuralCounts {
  trained(seconds: number): void;
  failed(): void;
}

export function createNeuralMetrics(registry: Registry, view: () => NeuralView): NeuralCounts {
  const registers = [registry];
  const gauge = (name: string, help: string, read: (view: NeuralView) => number) =>
    new Gauge({
      name: `crowsnest_neural_${name}`,
      help,
      registers,
      collect() {
        this.set(read(view()));
      },
    });
  gauge('version', 'Number of the network in use; 0 before the first.', ({ current }) => current?.id ?? 0);
  gauge('versions', 'Networks that are kept.', ({ versions }) => versions.length);
  gauge('training_progress_ratio', 'How far a training is; 0 while there is none.', ({ progress }) =>
    progress.state === 'training' ? progress.share : 0,
  );
  gauge('promoted', '1 while findings of the network are stored, 0 in the shadow.', ({ promoted }) => (promoted ? 1 : 0));
  gauge('followed_seq', 'The last change that the network followed.', ({ seq }) => seq);
  gauge('thread_running', '1 while the thread of the network runs.', ({ running }) => (running ? 1 : 0));
  new Gauge({
    name: 'crowsnest_neural_told_ratio',
    help: 'Share of made-up combinations told from real changes at one false alarm in 100, by the network in use and by pairs.',
    labelNames: ['by'] as const,
    registers,
    collect() {
      const { current } = view();
      this.set({ by: 'network' }, current?.toldByNetwork ?? 0);
      this.set({ by: 'pairs' }, current?.toldByPairs ?? 0);
    },
  });
  new Gauge({
    name: 'crowsnest_neural_stood_out',
    help: 'Changes that stood out (once in 1,000) to both, to the closed forms alone, to the network alone, of those judged.',
    labelNames: ['to'] as const,
    registers,
    collect() {
      const { both, formsOnly, networkOnly, judged } = view().comparison;
      this.set({ to: 'both' }, both);
      this.set({ to: 'forms' }, formsOnly);
      this.set({ to: 'network' }, networkOnly);
      this.set({ to: 'anybody' }, judged);
    },
  });
  const seconds = new Counter({ name: 'crowsnest_neural_training_seconds_total', help: 'Time spent training.', registers });
  const failures = new Counter({
    name: 'crowsnest_neural_failures_total',
    help: 'Trainings and scorings that failed; they are tried again.',
    registers,
  });
  return { trained: (spent) => seconds.inc(spent), failed: () => failures.inc() };
}
