/** What is not a list of changes, objects or findings: metric series, coverage, counts. */
import { z } from 'zod';
import { LIMIT_DEFAULT, pageParameters, textParameter, timeParameter, wholeNumberParameter } from '../parameters.ts';
import { RequestError } from '../problem.ts';
import { type ApiSources, route } from '../route.ts';
import * as coverageSchemas from '../schemas/coverage.ts';
import * as seriesSchemas from '../schemas/series.ts';
import * as serviceSchemas from '../schemas/service.ts';
import { clusterView, coverageView, isoTime, seriesView, sourceView } from '../views.ts';

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

export const listSeries = route({
  path: '/v1/series',
  id: 'listSeries',
  summary: 'Metric samples as scraped',
  tag: 'series',
  params: z.strictObject({}),
  query: z.strictObject({
    cluster: textParameter.optional(),
    metric: textParameter.optional(),
    label: z
      .union([textParameter, z.array(textParameter)])
      .optional()
      .describe('name=value, repeatable: all must match'),
    from: timeParameter.optional().describe('Default one day before `to`'),
    to: timeParameter.optional().describe('Default now'),
    limit: pageParameters.limit,
  }),
  response: seriesSchemas.SeriesList,
  problems: ['REQUEST_INVALID'],
  async handle({ query }, { store, clock }) {
    const { cluster, metric } = query;
    const toMs = query.to ?? clock.nowMs();
    const fromMs = query.from ?? toMs - DAY_MS;
    const labels = parseLabels(query.label ?? []);
    const series = await store.series({ cluster, metric, labels, fromMs, toMs, limit: query.limit ?? LIMIT_DEFAULT });
    return { items: series.map(seriesView), metadata: {} };
  },
});

function parseLabels(given: string | string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of [given].flat()) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new RequestError([{ in: 'query', name: 'label', detail: `${JSON.stringify(pair)} is not name=value` }]);
    labels[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return labels;
}

export const listCoverage = route({
  path: '/v1/coverage',
  id: 'listCoverage',
  summary: 'How well each kind is seen, with the rule to add where it is forbidden',
  tag: 'overview',
  params: z.strictObject({}),
  query: z.strictObject({}),
  response: coverageSchemas.CoverageList,
  handle: (_, { coverage, clusters, pulled }) => ({
    items: coverage().map(coverageView),
    clusters: (clusters?.() ?? []).map(clusterView),
    sources: (pulled?.() ?? []).map(sourceView),
    metadata: {},
  }),
});

export const getStats = route({
  path: '/v1/stats',
  id: 'getStats',
  summary: 'Counts of what is stored and how much of it is learnt',
  tag: 'overview',
  params: z.strictObject({}),
  query: z.strictObject({}),
  response: serviceSchemas.Stats,
  async handle(_, { store, clock, version, maturity, behind }) {
    const { changes, objects, heartbeats, amendments, findings, pages, rejects, samples, bytes } = await store.counts();
    const firstMs = (await store.change(1))?.observedMs;
    const lastMs = await newestMs(store);
    return {
      ...{ version, now: isoTime(clock.nowMs()), readOnly: store.readOnly },
      ...{ changes, objects, heartbeats, amendments, findings, pages, rejects, samples, bytes },
      first: firstMs === undefined ? undefined : isoTime(firstMs),
      last: lastMs === undefined ? undefined : isoTime(lastMs),
      maturity: maturity === undefined ? undefined : maturityView(maturity()),
      behind: behind?.(),
    };
  },
});

async function newestMs(store: ApiSources['store']): Promise<number | undefined> {
  return (await store.changes({ limit: 1 })).items[0]?.observedMs;
}

function maturityView(maturity: ReturnType<NonNullable<ApiSources['maturity']>>) {
  const { changes, firstMs, lastMs, detectors } = maturity;
  return {
    changes,
    first: firstMs === undefined ? undefined : isoTime(firstMs),
    last: lastMs === undefined ? undefined : isoTime(lastMs),
    detectors,
  };
}

export const getActivity = route({
  path: '/v1/activity',
  id: 'getActivity',
  summary: 'How many changes per step of time',
  tag: 'overview',
  params: z.strictObject({}),
  query: z.strictObject({
    from: timeParameter.optional().describe('Default seven days before `to`'),
    to: timeParameter.optional().describe('Default the newest recorded change'),
    steps: wholeNumberParameter(1, 500, 'must be a whole number from 1 to 500')
      .optional()
      .describe('At most about this many steps of whole hours; default 168'),
  }),
  response: serviceSchemas.Activity,
  problems: ['REQUEST_INVALID'],
  async handle({ query }, { store, activity, clock }) {
    const toMs = query.to ?? (await newestMs(store)) ?? clock.nowMs();
    const fromMs = query.from ?? toMs - WEEK_MS;
    if (fromMs > toMs) throw new RequestError([{ in: 'query', name: 'from', detail: 'is after to' }]);
    const counted = await activity.counts(fromMs, toMs, query.steps ?? 168);
    return {
      ...{ from: isoTime(counted.fromMs), to: isoTime(counted.toMs), stepSeconds: counted.stepMs / 1000 },
      ...{ counts: counted.counts, partial: counted.partial },
    };
  },
});
