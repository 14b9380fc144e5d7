import { createApp } from '../app.ts';
import { renderReport, reportOf } from '../demo/report.ts';
import { generateScenario } from '../demo/scenario.ts';
import { createScenarioSource } from '../demo/scenario-source.ts';
import type { Options } from '../options.ts';
import { createFindings, untilStopped } from './outcome.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** Four weeks of a made-up cluster through the real pipeline: what was planted, what was found, and a page to look at it. */
export async function runDemo(options: Options, terminal: Terminal): Promise<number> {
  const findings = createFindings(undefined);
  const scenario = generateScenario(options.seed);
  const quiet = { ...options, logLevel: options.logLevel === 'info' ? ('warn' as const) : options.logLevel };
  await using app = createApp({ options: quiet, defaultDb: ':memory:', onFinding: findings.add, signal: terminal.signal });
  app.startResponding();
  const served = options.once
    ? undefined
    : await app.serveApi({ version: terminal.version, coverage: () => [], checks: () => [], token: terminal.token });
  app.startHousekeeping({ live: false });
  const progress = createProgress(terminal, 'playing four weeks', 'events');
  await app.run(createScenarioSource({ scenario, onProgress: (done, total) => progress.update(done, total) }));
  progress.stop();
  app.store.maintain();
  const report = reportOf({ scenario, changes: app.pipeline.counts.changes, pages: findings.tally.pages });
  terminal.out(
    options.json
      ? `${JSON.stringify(report)}\n`
      : renderReport(report, { pageUrl: served === undefined ? undefined : `${served.url}/#token=${served.token}` }),
  );
  if (served !== undefined) await untilStopped(terminal.signal);
  return 0;
}
