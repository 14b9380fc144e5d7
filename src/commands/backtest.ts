import { createApp } from '../app.ts';
import type { Options } from '../options.ts';
import { runBacktestOfRecord } from './backtest-record.ts';
import { createFindings, openPlayback, playAndPrint, readyToPlay } from './outcome.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** What would have been flagged and paged in a recorded stream, or else in what a database holds, with these settings. Nothing is sent anywhere. */
export async function runBacktest(given: Options, file: string, terminal: Terminal): Promise<number> {
  if (file === '') return runBacktestOfRecord(given, terminal);
  const played = await readyToPlay(given, file);
  const { options, eventClock, maskingKey } = played;
  const findings = createFindings(options.findings, [file, options.db]);
  await using app = createApp({
    options,
    defaultDb: ':memory:',
    onFinding: findings.add,
    signal: terminal.signal,
    claimClock: eventClock,
    maskingKey,
  });
  const progress = createProgress(terminal, 'playing', 'bytes');
  const playback = openPlayback(app, played, file, progress);
  app.analysis.catchUp();
  app.startHousekeeping({ live: false });
  await playAndPrint({ app, playback, findings, progress, terminal, options, file });
  return 0;
}
