/** How the gauges of controllers go on from now. */
import { z } from 'zod';
import type { Outlook } from '../../model/neural/outlook.ts';
import { textParameter } from '../parameters.ts';
import { notFound } from '../problem.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas/neural.ts';

export const listForecasts = route({
  path: '/v1/forecasts',
  id: 'listForecasts',
  summary:
    'Busy workers and queues of controllers one, three and six hours ahead, with bands, and when all workers are busy at this rate',
  tag: 'series',
  params: z.strictObject({}),
  query: z.strictObject({ cluster: textParameter.optional(), controller: textParameter.optional() }),
  response: schemas.ForecastList,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  async handle({ query }, { neural }) {
    const port = neural?.();
    if (port === undefined) throw notFound('nothing is forecast here', 'Start serve with --neural shadow');
    const { cluster, controller } = query;
    const outlooks = (await port.outlooks())
      .filter((one) => cluster === undefined || one.cluster === cluster)
      .filter((one) => controller === undefined || one.controller === controller);
    return { items: outlooks.map(forecastView), metadata: {} };
  },
});

function forecastView({ atMs, aheadMs, forecast, full, ...gauge }: Outlook): z.input<typeof schemas.SeriesForecast> {
  const { expert, median, low, high } = forecast;
  const known = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? value : undefined);
  return {
    ...gauge,
    at: new Date(atMs).toISOString(),
    by: expert,
    ahead: aheadMs.map((ms, i) => ({
      seconds: ms / 1000,
      median: median[i] as number,
      low: known(low[i]),
      high: known(high[i]),
    })),
    full:
      full === undefined
        ? undefined
        : { seconds: seconds(full.inMs), earliestSeconds: full.earliestMs / 1000, latestSeconds: seconds(full.latestMs) },
  };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
