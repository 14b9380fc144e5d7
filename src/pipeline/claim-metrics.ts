import { Counter, Gauge, type Registry } from 'prom-client';
import type { ClaimSource } from '../domain/who/claim.ts';
import type { ClaimOutcome } from './claim-book.ts';

const SOURCES: ClaimSource[] = ['admission', 'audit', 'pushed'];
const OUTCOMES: ClaimOutcome[] = ['joined', 'amended', 'confirmed', 'duplicate', 'unwatched', 'expired', 'overflow'];

/** Counts what became of claims; `waiting` is read at each scrape. */
export function createClaimMetrics(registry: Registry, waiting: () => number) {
  const registers = [registry];
  const claims = new Counter({
    name: 'crowsnest_claims_total',
    help: 'Claims about who wrote, by what became of them: joined with a change as it came, amended one recorded before, and so on.',
    labelNames: ['source', 'outcome'],
    registers,
  });
  for (const source of SOURCES) for (const outcome of OUTCOMES) claims.inc({ source, outcome }, 0);
  new Gauge({
    name: 'crowsnest_claims_waiting',
    help: 'Claims that wait for their change; the oldest goes when there are too many (outcome overflow) or its time is over (expired).',
    registers,
    collect() {
      this.set(waiting());
    },
  });
  return (source: ClaimSource, outcome: ClaimOutcome, more: number): void => claims.inc({ source, outcome }, more);
}
