import type { App } from '../app.ts';
import { createPlayback, type Playback } from '../collector/playback.ts';
import type { Finding } from '../domain/finding.ts';
import type { Options } from '../options.ts';
import { createTally, openFindingsFile, type Tally } from './play.ts';
import type { Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES_MAX = 20;

/** Takes every ranked finding: into the file, if one was asked for, and into the tally. */
export function createFindings(file: string | undefined): { add(finding: Finding): void; close(): void; tally: Tally } {
  const written = openFindingsFile(file);
  const tally = createTally();
  return {
    tally,
    add(finding) {
      written.write(finding);
      tally.add(finding);
    },
    close: () => written.close(),
  };
}

/** The end of a replay or backtest: counts, then what paged, in words (or all of it as one line of JSON). */
export function printOutcome(terminal: Terminal, options: Options, app: App, tally: Tally): void {
  const { counts } = app.pipeline;
  if (options.json) {
    const pages = tally.pages.map((finding) => ({
      ts: new Date(finding.tsMs).toISOString(),
      score: finding.score,
      detector: finding.detector,
      summary: finding.summary,
    }));
    terminal.out(
      `${JSON.stringify({ ...counts, ranked: tally.ranked, pages, detectors: Object.fromEntries(tally.byDetector()) })}\n`,
    );
    return;
  }
  terminal.out(
    `${counts.changes} changes, ${counts.heartbeats} without content, ${counts.repeats} seen before, ${counts.rejects} rejected, ${counts.scrapes} scrapes\n`,
  );
  for (const reject of app.store.rejects(5)) terminal.out(`  rejected ${reject.where}: ${reject.what} (${reject.code})\n`);
  terminal.out(`${tally.ranked} findings ranked, ${tally.pages.length} would page at ${options.pagesPerWeek} a week\n`);
  for (const [detector, { ranked, pages }] of tally.byDetector())
    terminal.out(`  ${detector.padEnd(20)} ${String(pages).padStart(4)} pages ${String(ranked).padStart(7)} ranked\n`);
  for (const finding of tally.pages.slice(-EXAMPLES_MAX))
    terminal.out(`${new Date(finding.tsMs).toISOString()}  ${finding.summary}\n`);
}

export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A recorded stream as a source; one that was broken off goes on where the database says it was. */
export function openPlayback(app: App, options: Options, file: string, progress: Progress): Playback {
  return createPlayback({
    file,
    cluster: options.cluster,
    speed: options.speed,
    clock: app.clock,
    logger: app.logger,
    from: (name) => app.store.cursor(name),
    onProgress: ({ bytesRead, bytesTotal }) => progress.update(bytesRead, bytesTotal ?? bytesRead),
  });
}
