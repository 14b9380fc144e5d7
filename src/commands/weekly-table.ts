/** What a budget comes to: alerts by detector and week, with the strongest of each as examples. */
import type { Finding } from '../domain/finding.ts';
import { printable } from './printable.ts';

const WEEK_MS = 7 * 86_400_000;
/** 1970-01-05 was a Monday. */
const MONDAY_MS = 4 * 86_400_000;
const EXAMPLES_MAX = 2;
const WEEKS_SHOWN = 8;

export interface WeeklyRow {
  detector: string;
  pages: number;
  /** The most in one week. */
  most: number;
  ranked: number;
  /** Strongest first. */
  examples: { ts: string; score: number; summary: string }[];
}

export interface Weekly {
  /** Monday of each week, in UTC, with what paged in it. */
  weeks: { from: string; pages: number }[];
  perWeek: number;
  most: number;
  detectors: WeeklyRow[];
}

/** `span` is the time of the changes that were judged. */
export function weeklyOf(
  { pages, byDetector }: { pages: readonly Finding[]; byDetector: readonly [string, { ranked: number }][] },
  span: { fromMs: number; toMs: number },
): Weekly {
  const weeks: Weekly['weeks'] = [];
  for (let at = mondayOf(span.fromMs); at <= span.toMs; at += WEEK_MS) {
    const within = pages.filter(({ tsMs }) => mondayOf(tsMs) === at);
    weeks.push({ from: new Date(at).toISOString().slice(0, 10), pages: within.length });
  }
  const detectors = byDetector.map(([detector, { ranked }]): WeeklyRow => {
    const own = pages.filter((finding) => finding.detector === detector);
    const counts = new Map<number, number>();
    for (const { tsMs } of own) counts.set(mondayOf(tsMs), (counts.get(mondayOf(tsMs)) ?? 0) + 1);
    const strongest = own.toSorted((a, b) => b.score - a.score).slice(0, EXAMPLES_MAX);
    const examples = strongest.map(({ tsMs, score, summary }) => ({ ts: new Date(tsMs).toISOString(), score, summary }));
    return { detector, pages: own.length, most: Math.max(0, ...counts.values()), ranked, examples };
  });
  const spanWeeks = Math.max(1, (span.toMs - span.fromMs) / WEEK_MS);
  return {
    weeks,
    perWeek: Number((pages.length / spanWeeks).toFixed(2)),
    most: Math.max(0, ...weeks.map((week) => week.pages)),
    detectors,
  };
}

export function weeklyText({ weeks, perWeek, most, detectors }: Weekly, budget: number): string {
  const head = ['detector', 'alerts', 'most a week', 'findings'];
  const rows = detectors.map((row) => [row.detector, String(row.pages), String(row.most), String(row.ranked)]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const shown = weeks.slice(-WEEKS_SHOWN).map(({ from, pages }) => `${from.slice(5)} ${pages}`);
  const earlier = weeks.length > WEEKS_SHOWN ? `(${weeks.length - WEEKS_SHOWN} earlier weeks) ` : '';
  const out = [
    `alerts a week: ${perWeek} on average over ${weeks.length} weeks, ${most} in the busiest, ${budget} allowed beside critical facts`,
    `weeks from: ${earlier}${shown.join(', ')}`,
    '',
    line(head),
    ...rows.map(line),
  ];
  for (const { detector, examples } of detectors) {
    if (examples.length > 0) out.push('', detector, ...examples.map(({ ts, summary }) => `  ${ts}  ${printable(summary)}`));
  }
  return `${out.join('\n')}\n`;
}

function mondayOf(ms: number): number {
  return Math.floor((ms - MONDAY_MS) / WEEK_MS) * WEEK_MS + MONDAY_MS;
}
