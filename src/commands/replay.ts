import { createApp } from '../app.ts';
import type { Options } from '../options.ts';
import { createFindings, openPlayback, playAndPrint, readyToPlay, untilStopped } from './outcome.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** Plays a recorded stream through the very pipeline `serve` uses, then serves the page until stopped (or ends, with --once). */
export async function runReplay(given: Options, file: string, terminal: Terminal): Promise<number> {
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
  app.startResponding();
  const progress = createProgress(terminal, 'replaying', 'bytes');
  const playback = openPlayback(app, played, file, progress);
  const served = options.once
    ? undefined
    : await app.serveApi({ version: terminal.version, coverage: () => [], checks: () => [], token: terminal.token });
  if (served !== undefined) terminal.note(`page and API: ${served.pageUrl}\n`);
  await app.catchUp();
  app.startHousekeeping({ live: false });
  await playAndPrint({ app, playback, findings, progress, terminal, options, file });
  if (served !== undefined) await untilStopped(terminal.signal);
  return 0;
}
