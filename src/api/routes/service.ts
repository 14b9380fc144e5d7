/** Health and metrics of Crowsnest itself. */
import { z } from 'zod';
import { flagParameter } from '../parameters.ts';
import { NotReadyError } from '../problem.ts';
import { type HealthReport, route } from '../route.ts';
import * as schemas from '../schemas/service.ts';

const query = z.strictObject({ verbose: flagParameter.optional().describe('Show each check') });

function answer(ok: boolean, checks: HealthReport['checks'], verbose: boolean | undefined) {
  const shown = verbose === true ? checks : undefined;
  if (!ok) {
    const failing = checks.filter((check) => !check.ok).map((check) => check.name);
    throw new NotReadyError(failing, shown);
  }
  return { status: 'ok' as const, checks: shown };
}

export const livez = route({
  path: '/livez',
  id: 'getLive',
  summary: 'Whether the process works; restart it when not',
  tag: 'service',
  open: true,
  params: z.strictObject({}),
  query,
  response: schemas.Health,
  problems: ['REQUEST_INVALID', 'NOT_READY'],
  handle({ query: input }, { health }) {
    const report = health();
    return answer(report.live, report.checks, input.verbose);
  },
});

export const readyz = route({
  path: '/readyz',
  id: 'getReady',
  summary: 'Whether it sees what it should see: fails on stale watches and a store that takes no writes',
  tag: 'service',
  open: true,
  params: z.strictObject({}),
  query,
  response: schemas.Health,
  problems: ['REQUEST_INVALID', 'NOT_READY'],
  handle({ query: input }, { health }) {
    const report = health();
    return answer(report.ready, report.checks, input.verbose);
  },
});

export const metrics = route({
  path: '/metrics',
  id: 'getMetrics',
  summary: 'Prometheus text exposition of Crowsnest itself',
  tag: 'service',
  params: z.strictObject({}),
  query: z.strictObject({}),
  response: z.string(),
  mediaType: 'text/plain; version=0.0.4; charset=utf-8',
  handle: (_, { registry }) => registry.metrics(),
});
