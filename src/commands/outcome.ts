import type { App } from '../app.ts';
import { createPlayback, type Playback } from '../collector/recording/playback.ts';
import { readRecordingHead } from '../collector/recording/recording-head.ts';
import { createEventClock, type EventClock } from '../domain/clock.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import type { Options } from '../options.ts';
import { recordingMaskingKey } from '../secrets.ts';
import type { Store } from '../store/store.ts';
import { createTally, type FindingsFile, openFindingsFile, type Tally } from './play.ts';
import { printable } from './printable.ts';
import type { Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { type Weekly, weeklyOf, weeklyText } from './weekly-table.ts';

const EXAMPLES_MAX = 20;

export interface Findings extends Pick<FindingsFile, 'finish' | 'close'> {
  add(finding: Finding): void;
  readonly tally: Tally;
}

/** Takes every ranked finding: into the file, if one was asked for, and into the tally. `inUse` are files it must not overwrite. */
export function createFindings(file: string | undefined, inUse: readonly (string | undefined)[] = []): Findings {
  const others = inUse.filter((other) => other !== undefined);
  const written = openFindingsFile(file, others);
  const tally = createTally();
  return {
    tally,
    add(finding) {
      written.write(finding);
      tally.add(finding);
    },
    finish: () => written.finish(),
    close: () => written.close(),
  };
}

/** Plays a recording to its end (or until stopped) and prints what came of it. Throws STREAM_UNREADABLE when it holds no change at all. */
export async function playAndPrint(play: {
  app: App;
  playback: Playback;
  findings: Findings;
  progress: Progress;
  terminal: Terminal;
  options: Options;
  file: string;
}): Promise<void> {
  const { app, playback, findings, progress, terminal, options, file } = play;
  try {
    await app.run(playback);
    if (!isNoStream(playback)) findings.finish();
  } finally {
    progress.stop();
    findings.close();
  }
  app.store.maintain();
  const { lines, skipped, rejects } = playback.counts;
  if (terminal.signal.aborted) terminal.note(`stopped after ${lines} lines\n`);
  else if (lines === 0 && rejects === 0) terminal.note(`the recording is empty: ${file}\n`);
  if (skipped > 0) {
    terminal.note(`${skipped} of ${lines} lines were played into this database before; what follows is about the others\n`);
  }
  printOutcome(terminal, options, app, findings.tally);
  if (isNoStream(playback)) {
    throw new CrowsnestError({
      code: 'STREAM_UNREADABLE',
      what: 'nothing in it is a change',
      where: file,
      todo: 'Give a file that `crowsnest record` wrote, or one in the form of docs/stream-format.md.',
    });
  }
}

function isNoStream({ counts: { rejects, skipped, observations, scrapes, bookmarks } }: Playback): boolean {
  return rejects > 0 && skipped + observations + scrapes + bookmarks === 0;
}

/** The end of a replay or backtest: counts, then what paged, in words (or all of it as one line of JSON). */
export function printOutcome(terminal: Terminal, options: Options, app: App, tally: Tally): void {
  const { counts } = app.pipeline;
  const weekly = weeklyOfStore(app.store, tally);
  if (options.json) {
    const pages = tally.pages.map((finding) => ({
      ts: new Date(finding.tsMs).toISOString(),
      score: finding.score,
      detector: finding.detector,
      summary: finding.summary,
    }));
    terminal.out(
      `${JSON.stringify({ ...counts, ranked: tally.ranked, pages, detectors: Object.fromEntries(tally.byDetector()), weeks: weekly?.weeks ?? [] })}\n`,
    );
    return;
  }
  terminal.out(
    `${counts.changes} changes, ${counts.heartbeats} without content, ${counts.repeats} seen before, ${counts.rejects} rejected, ${counts.scrapes} scrapes\n`,
  );
  for (const { where, what, code } of app.store.rejects(5))
    terminal.out(`${printable(`  rejected ${where}: ${what} (${code})`)}\n`);
  terminal.out(`${tally.ranked} findings ranked, ${tally.pages.length} would page at ${options.pagesPerWeek} a week\n`);
  if (weekly !== undefined && tally.ranked > 0) terminal.out(weeklyText(weekly, options.pagesPerWeek));
  const shown = weekly?.detectors.reduce((sum, { examples }) => sum + examples.length, 0) ?? 0;
  if (tally.pages.length <= shown) return;
  terminal.out(`\nthe newest of the ${tally.pages.length}\n`);
  for (const finding of tally.pages.slice(-EXAMPLES_MAX))
    terminal.out(`${new Date(finding.tsMs).toISOString()}  ${printable(finding.summary)}\n`);
}

/** By the time of the changes; undefined where there is none. */
export function weeklyOfStore(store: Pick<Store, 'changes' | 'changesAfter'>, tally: Tally): Weekly | undefined {
  const first = store.changesAfter(0, 1)[0];
  const last = store.changes({ limit: 1 }).items[0];
  if (first === undefined || last === undefined) return undefined;
  const span = { fromMs: first.observedMs, toMs: Math.max(last.observedMs, first.observedMs) };
  return weeklyOf({ pages: tally.pages, byDetector: tally.byDetector() }, span);
}

export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

export interface Played {
  /** With what the recording says of itself where nobody said otherwise. */
  options: Options;
  /** Event time, by which claims in the recording wait for their changes. */
  eventClock: EventClock;
  /** Of what is kept in memory only; a database has a key of its own. */
  maskingKey: Uint8Array | undefined;
}

export async function readyToPlay(options: Options, file: string): Promise<Played> {
  const head = await readRecordingHead(file);
  return {
    options: { ...options, timeZone: options.timeZone ?? head?.timeZone },
    eventClock: createEventClock(0),
    maskingKey: options.db === undefined ? await recordingMaskingKey(file) : undefined,
  };
}

/** A recorded stream as a source; one that was broken off goes on where the database says it was. */
export function openPlayback(app: App, { options, eventClock }: Played, file: string, progress: Progress): Playback {
  return createPlayback({
    eventClock,
    file,
    cluster: options.cluster,
    speed: options.speed,
    clock: app.clock,
    logger: app.logger,
    from: (name) => app.store.cursor(name),
    onProgress: ({ bytesRead, bytesTotal }) => progress.update(bytesRead, bytesTotal ?? bytesRead),
  });
}
