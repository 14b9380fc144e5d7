/** How much of what was drawn for review waits for a word, and what the words did. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { answersOf } from '../domain/review.ts';
import type { Store } from '../store/store.ts';

export function publishReviewMetrics(store: Pick<Store, 'nearMisses' | 'verdicts' | 'verdictHits'>, registry: Registry): void {
  new Counter({
    name: 'crowsnest_verdict_effects_total',
    help: 'Findings that did not page, or did, because of what people said of others.',
    labelNames: ['effect'],
    registers: [registry],
    collect() {
      const hits = [...store.verdictHits().values()];
      this.reset();
      this.inc(
        { effect: 'muted' },
        hits.reduce((sum, { muted }) => sum + muted, 0),
      );
      this.inc(
        { effect: 'raised' },
        hits.reduce((sum, { raised }) => sum + raised, 0),
      );
    },
  });
  new Gauge({
    name: 'crowsnest_review_near_misses',
    help: 'Findings that did not page and were drawn for review in the last 90 days, at most four a day and cluster, by whether somebody said what they were.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const drawn = store.nearMisses();
      const answers = drawn.length === 0 ? new Map() : answersOf(store.verdicts());
      const answered = drawn.filter(({ findingId }) => answers.has(findingId)).length;
      this.set({ state: 'waiting' }, drawn.length - answered);
      this.set({ state: 'answered' }, answered);
    },
  });
}
