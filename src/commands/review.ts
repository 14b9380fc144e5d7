/** What was drawn for review, from the command line. */
import type { Review } from '../api/answers.ts';
import type { Options } from '../options.ts';
import { createAsker } from './ask-api.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

/** What the API gives at once. */
const LIMIT_MAX = 1000;

type Item = Review['items'][number];
type Estimate = Review['estimates'][number];

export async function runReview(options: Options, terminal: Terminal): Promise<number> {
  const review = await createAsker(options, terminal).get<Review>('/v1/review', {
    answered: 'false',
    cluster: options.cluster,
    limit: String(Math.min(options.limit, LIMIT_MAX)),
  });
  if (options.json) {
    terminal.out(`${JSON.stringify(review)}\n`);
    return 0;
  }
  for (const item of review.items) terminal.out(`${printable(line(item))}\n`);
  for (const estimate of review.estimates) terminal.out(`${printable(words(estimate))}\n`);
  if (review.metadata.continue !== undefined) terminal.note(`more wait than these ${review.items.length}; see --limit\n`);
  if (review.items.length > 0) terminal.note('say of each: crowsnest verdict expected ID, or crowsnest verdict wrong ID\n');
  else terminal.note('nothing waits for review\n');
  return 0;
}

function line({ day, slot, level, finding }: Item): string {
  const why = slot === 'highest' ? 'highest of the day' : 'drawn';
  const { id, score, cluster, detector, summary } = finding;
  return [id, day, cluster, `${score.toFixed(1)} of ${level.toFixed(1)}`, why, detector, summary].join('  ');
}

function words({ cluster, from, to, pages, notPaged, precision, recall }: Estimate): string {
  const right =
    precision === undefined
      ? `none of ${pages.all} pages is answered`
      : `of ${pages.answered} answered of ${pages.all} pages ${pages.wrong} were wrong indeed: precision ${percent(precision)}`;
  const missed =
    notPaged.wrong === undefined
      ? `${notPaged.answered} of ${notPaged.sampled} drawn are answered, too few to say what was missed`
      : `${notPaged.answered} answers for ${notPaged.all} that did not page say about ${notPaged.wrong.toFixed(1)} were wrong indeed`;
  const lost =
    notPaged.gone === undefined ? '' : `; ${notPaged.gone} drawn went before they could be asked about (--db-max-bytes)`;
  return `${cluster}, ${from} to ${to}: ${right}; ${missed}${recall === undefined ? '' : `: recall ${percent(recall)}`}${lost}.`;
}

function percent({ value, low, high }: { value: number; low: number; high: number }): string {
  const [middle, least, most] = [value, low, high].map((share) => Math.round(100 * share));
  return `${middle} % (${least} to ${most})`;
}
