/** Metric series in steps: what a chart or a rule asks. */
import { z } from 'zod';
import { quantiles, SERIES_FUNCTIONS, type SeriesPoints, stepValue } from '../../domain/series/series-function.ts';
import { type Matcher, MatcherError, parseMatcher, parseSelector } from '../../domain/series/series-match.ts';
import { decimalParameter, textParameter, timeParameter } from '../parameters.ts';
import { RequestError } from '../problem.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas/series.ts';
import { isoTime } from '../views.ts';

const DAY_MS = 86_400_000;
const SERIES_MAX = 1_000;
const POINTS_MAX = 11_000;
const WORK_MAX = 2_000_000;
const MATCHERS_MAX = 20;
/** Without a step: the finest of these that makes no more points than this. */
const STEPS_S = [15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 86_400, 604_800];
const POINTS_BY_DEFAULT = 300;

const stepMessage = 'must be a whole number of seconds from 1 to 31536000, or a number with s, m, h or d such as 5m';
const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS } as const;
const stepParameter = z
  .string()
  .regex(/^[1-9]\d{0,7}[smhd]?$/, stepMessage)
  .transform((text) => Number.parseInt(text, 10) * (UNITS_MS[text.at(-1) as keyof typeof UNITS_MS] ?? 1_000))
  .refine((ms) => ms <= 365 * DAY_MS, stepMessage);

const quantileMessage = 'must be a number from 0 to 1';

export const querySeries = route({
  path: '/v1/series/query',
  id: 'querySeries',
  summary: 'Metric series in aligned steps, of samples or of rollups',
  description:
    'Steps are aligned to 1970 and named by their beginning; one that reaches into the time counts as a whole. A step without samples has no point. ' +
    'increase and rate count from the last sample before a step, over resets of the counter, without extrapolation. ' +
    'quantile is of what histograms observed in each step (select their _bucket series). ' +
    'Steps of whole hours are read from rollups of an hour, of whole five minutes from those of five minutes, others from samples: the figures are the same.',
  tag: 'series',
  params: z.strictObject({}),
  query: z.strictObject({
    selector: textParameter.optional().describe('As in Prometheus: metric{label="value",other=~"pattern"}'),
    match: z
      .union([textParameter, z.array(textParameter).max(MATCHERS_MAX, `at most ${MATCHERS_MAX} are taken`)])
      .optional()
      .describe(
        'One matcher, repeatable, all must match: label="value", label!="value", label=~"pattern", label!~"pattern". The label __name__ is the metric, cluster the cluster; one that is not there is empty. Patterns are those of RE2, as in Prometheus, and match the whole value',
      ),
    function: z.enum(SERIES_FUNCTIONS).optional().describe('Default last'),
    quantile: decimalParameter(0, 1, quantileMessage).optional().describe('With function=quantile: which; default 0.95'),
    by: z
      .union([textParameter, z.array(textParameter).max(MATCHERS_MAX)])
      .optional()
      .describe('With function=quantile: labels that tell histograms apart, repeatable; all by default'),
    from: timeParameter.optional().describe('Default one day before `to`'),
    to: timeParameter.optional().describe('Default now'),
    step: stepParameter.optional().describe('Seconds, or a number with s, m, h or d. Default: what makes at most 300 points'),
  }),
  response: schemas.SeriesSteps,
  problems: ['REQUEST_INVALID', 'QUERY_TOO_LARGE'],
  async handle({ query }, { store, clock }) {
    const name = query.function ?? 'last';
    const matchers = matchersOf(query);
    const toMs = query.to ?? clock.nowMs();
    const fromMs = query.from ?? toMs - DAY_MS;
    const asked = { fromMs, toMs, stepMs: query.step ?? stepFor(toMs - fromMs) };
    checkTime(asked);
    const { tier, stepMs, series } = await store.seriesWindows({ ...asked, matchers, seriesMax: SERIES_MAX, workMax: WORK_MAX });
    const by = query.by === undefined ? undefined : [query.by].flat();
    const points: SeriesPoints[] =
      name === 'quantile'
        ? quantiles(series, query.quantile ?? 0.95, by)
        : series.map(({ windows, ...key }) => ({
            ...key,
            points: windows.map(([ms, window]) => [ms, stepValue(name, window, stepMs)]),
          }));
    return { items: points.map(seriesStepsView), step: stepMs / 1_000, tier, metadata: {} };
  },
});

function matchersOf({ selector, match }: { selector?: string | undefined; match?: string | string[] | undefined }): Matcher[] {
  const matchers = selector === undefined ? [] : parsed('selector', selector, parseSelector);
  for (const text of match === undefined ? [] : [match].flat()) matchers.push(parsed('match', text, parseMatcher));
  if (matchers.length === 0) throw invalid('match', 'is required, or selector');
  return matchers;
}

function parsed<T>(name: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof MatcherError)) throw error;
    throw invalid(name, `${JSON.stringify(text)} ${error.message}`);
  }
}

function checkTime({ fromMs, toMs, stepMs }: { fromMs: number; toMs: number; stepMs: number }): void {
  if (fromMs >= toMs) throw invalid('from', 'must be before `to`');
  if ((toMs - fromMs) / stepMs > POINTS_MAX) throw invalid('step', `makes more than ${POINTS_MAX} points of the time`);
}

function stepFor(rangeMs: number): number {
  const seconds = STEPS_S.find((step) => rangeMs / 1_000 / step <= POINTS_BY_DEFAULT) ?? (STEPS_S.at(-1) as number);
  return seconds * 1_000;
}

function invalid(name: string, detail: string): RequestError {
  return new RequestError([{ in: 'query', name, detail }]);
}

function seriesStepsView({ cluster, metric, labels, points }: SeriesPoints): z.input<typeof schemas.SeriesOfSteps> {
  // JSON has no NaN or infinity.
  const shown = points.map(([ms, value]): [string, number | null] => [isoTime(ms), Number.isFinite(value) ? value : null]);
  return { cluster, metric, labels, points: shown };
}
