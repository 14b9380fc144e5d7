import { type App, createApp } from '../app.ts';
import { renderReport, reportOf } from '../demo/report.ts';
import { generateScenario } from '../demo/scenario.ts';
import { createScenarioSource, scenarioCursor } from '../demo/scenario-source.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import type { Options } from '../options.ts';
import { untilStopped } from './outcome.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** Four weeks of a made-up cluster through the real pipeline: what was planted, what was found, and a page to look at it. */
export async function runDemo(options: Options, terminal: Terminal): Promise<number> {
  const scenario = generateScenario(options.seed);
  const quiet = { ...options, logLevel: options.logLevel === 'info' ? ('warn' as const) : options.logLevel };
  await using app = createApp({ options: quiet, defaultDb: ':memory:', signal: terminal.signal });
  refuseOtherRecord(app, options);
  app.startResponding();
  const served = options.once
    ? undefined
    : await app.serveApi({ version: terminal.version, coverage: () => [], checks: () => [], token: terminal.token });
  app.startHousekeeping({ live: false });
  const progress = createProgress(terminal, 'playing four weeks', 'events');
  const from = (cursor: string) => app.store.cursor(cursor);
  const onProgress = (done: number, total: number) => progress.update(done, total);
  try {
    // A demo that was broken off goes on where its database says it was.
    await app.catchUp();
    await app.run(createScenarioSource({ scenario, from, onProgress }));
  } finally {
    progress.stop();
  }
  app.store.maintain();
  if (terminal.signal.aborted) {
    terminal.note('stopped before the end\n');
    return 0;
  }
  const report = reportOf({ scenario, changes: app.store.counts().changes, pages: pagesOf(app) });
  terminal.out(options.json ? `${JSON.stringify(report)}\n` : renderReport(report, { pageUrl: served?.pageUrl }));
  if (served !== undefined) await untilStopped(terminal.signal);
  return 0;
}

/** From the store rather than as they came, so that a demo played in two goes, or looked at again, says the same. */
function pagesOf(app: App): Finding[] {
  const pages: Finding[] = [];
  let next: string | undefined;
  do {
    const page = app.store.findings({ verdict: 'page', limit: 500, ...(next === undefined ? {} : { continue: next }) });
    pages.push(...page.items);
    next = page.continue;
  } while (next !== undefined);
  return pages.reverse();
}

/** Two made-up clusters in one record, or one on top of a real one, would each be the other's anomaly. */
function refuseOtherRecord(app: App, options: Options): void {
  if (app.store.counts().changes === 0 || app.store.cursor(scenarioCursor(options.seed)) !== undefined) return;
  throw new CrowsnestError({
    code: 'CONFIG_BAD_VALUE',
    what: `the database holds something else than the demo with seed ${options.seed}`,
    where: `--db ${options.db ?? ''}`,
    todo: 'Give the demo a file of its own, or none.',
  });
}
