/** Near-misses drawn for review, and what the answers say of the level. */
import { z } from 'zod';
import { isCrowsnestError } from '../../domain/errors.ts';
import type { Finding } from '../../domain/finding.ts';
import { encodePosition } from '../../domain/list-position.ts';
import { answersOf, compareReview, estimateReview, type NearMiss } from '../../domain/review.ts';
import type { Verdict } from '../../domain/verdict.ts';
import type { AsyncStore } from '../../store/async-store.ts';
import { decodeListCursor } from '../list-cursor.ts';
import { flagParameter, LIMIT_DEFAULT, pageParameters, textParameter } from '../parameters.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas/verdicts.ts';
import { findingView, isoTime } from '../views.ts';
import { knownOf } from '../who.ts';

const DAY_MS = 86_400_000;
const PAGES_READ = 500;

export const getReview = route({
  path: '/v1/review',
  id: 'getReview',
  summary:
    'Findings that did not page and were drawn for review, newest day first, and how right the level is by what was answered',
  description:
    'Each day of a cluster: its most surprising finding that did not page, and up to three drawn from within a decade under the level. ' +
    'Answer each with a verdict. The estimates rest on all answers of the last 90 days, whatever is listed.',
  tag: 'findings',
  params: z.strictObject({}),
  query: z.strictObject({
    cluster: textParameter.optional().describe('Default all'),
    answered: flagParameter.optional().describe('Only those answered, or only those that wait; default both'),
    ...pageParameters,
  }),
  response: schemas.Review,
  problems: ['REQUEST_INVALID'],
  async handle({ query: { cluster, answered, limit = LIMIT_DEFAULT, continue: token } }, { store }) {
    const kept = (await store.nearMisses()).filter((one) => cluster === undefined || one.cluster === cluster);
    const answers = answersOf(await store.verdicts());
    const after = token === undefined ? undefined : decodePlace(token);
    const items: z.input<typeof schemas.ReviewItem>[] = [];
    let goesOn = false;
    for (const nearMiss of kept) {
      if (after !== undefined && compareReview(nearMiss, after) <= 0) continue;
      const answer = answers.get(nearMiss.findingId);
      if (answered !== undefined && answered !== (answer !== undefined)) continue;
      const finding = await store.finding(nearMiss.findingId);
      if (finding === undefined) continue;
      goesOn = items.length === limit;
      if (goesOn) break;
      items.push(await itemView(store, nearMiss, finding, answer));
    }
    const last = items.at(-1);
    const metadata = goesOn && last !== undefined ? { continue: encodePlace(last) } : {};
    const clusters = Map.groupBy(kept, (one) => one.cluster);
    const estimates = await Promise.all([...clusters].map(([name, samples]) => estimateView(store, name, samples, answers)));
    return { items, estimates, metadata };
  },
});

type Place = Pick<NearMiss, 'day' | 'cluster'> & { slot: string };

function encodePlace({ day, cluster, slot }: Place): string {
  return encodePosition('review', [day, cluster, slot]);
}

function decodePlace(token: string): Place {
  const todo = 'pass the token of the previous page unchanged';
  const shape = ['string', 'string', 'string'] as const;
  const [day, cluster, slot] = decodeListCursor('review', shape, token, todo) as [string, string, string];
  return { day, cluster, slot };
}

async function itemView(
  store: AsyncStore,
  { cluster, day, slot, level, population, weight }: NearMiss,
  finding: Finding,
  answer: Verdict | undefined,
): Promise<z.input<typeof schemas.ReviewItem>> {
  return {
    ...{ cluster, day, slot, level, population, weight },
    finding: findingView(finding, await knownOf(store, finding)),
    ...(answer === undefined
      ? {}
      : { answer: { id: answer.id, verdict: answer.verdict, by: answer.by, given: isoTime(answer.givenMs) } }),
  };
}

/** Where damage keeps it from being known it is not gone, and must not cost what is told of the others. */
async function isGone(store: AsyncStore, id: string): Promise<boolean> {
  try {
    return !(await store.hasFinding(id));
  } catch (error) {
    if (!isCrowsnestError(error, 'STORE_CORRUPT')) throw error;
    return false;
  }
}

async function estimateView(
  store: AsyncStore,
  cluster: string,
  samples: readonly NearMiss[],
  answers: ReadonlyMap<string, Verdict>,
): Promise<z.input<typeof schemas.ReviewEstimate>> {
  const days = samples.map(({ day }) => day).sort();
  const [from = '', to = ''] = [days[0], days.at(-1)];
  const paged: Finding[] = [];
  for (let next: string | undefined, first = true; first || next !== undefined; first = false) {
    const times = { fromMs: Date.parse(from), toMs: Date.parse(to) + DAY_MS - 1 };
    const page = await store.findings({
      ...{ cluster, verdict: 'page', ...times, limit: PAGES_READ },
      ...(next === undefined ? {} : { continue: next }),
    });
    // Facts and rules page whatever the level, so they say nothing of it.
    paged.push(...page.items.filter(({ deterministic }) => !deterministic));
    next = page.continue;
  }
  const answerTo = (id: string) => answers.get(id)?.verdict;
  let gone = 0;
  for (const { findingId } of samples) if (!answers.has(findingId) && (await isGone(store, findingId))) gone++;
  const estimate = estimateReview(
    paged.map(({ id }) => answerTo(id)),
    samples.map((sample) => ({ sample, answer: answerTo(sample.findingId) })),
  );
  return { cluster, from, to, ...estimate, notPaged: { ...estimate.notPaged, ...(gone === 0 ? {} : { gone }) } };
}
