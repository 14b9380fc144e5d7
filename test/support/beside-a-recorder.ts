/** A live pipeline with a recorder beside it, and the replay of what was recorded: both tell what they found, for comparison. */
import { type App, createApp } from '../../src/app.ts';
import { NO_METRICS } from '../../src/collector/metrics.ts';
import { createFollowedVerdicts } from '../../src/collector/recording/followed-verdicts.ts';
import { createRecorder, type Recorder } from '../../src/collector/recording/recorder.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import { timeMark } from '../../src/collector/watch/time-marks.ts';
import { createAsker } from '../../src/commands/ask-api.ts';
import { askVerdicts } from '../../src/commands/asked-verdicts.ts';
import { openPlayback, readyToPlay } from '../../src/commands/outcome.ts';
import type { Terminal } from '../../src/commands/terminal.ts';
import { createWatchedCluster } from '../../src/commands/watched-cluster.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { type Options, parseOptions } from '../../src/options.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { until } from './until.ts';

const TOKEN = 'a-token-of-the-test';

/** What must be the same of a finding, in words that a failing comparison can be read by. */
export interface Told {
  id: string;
  at: string;
  subject: string;
  detector: string;
  score: number;
  actor: string;
  verdict: string;
}

export interface Outcome {
  findings: Told[];
  /** Every recorded change, with who made it by the end. */
  changes: string[];
  /** Each controller with the kinds it is tied to. */
  controllers: string[];
}

export interface LiveRun {
  /** Delivers what another source than the cluster's would. */
  deliver(batch: SourceBatch): Promise<void>;
  /** What was found up to now. */
  found(): readonly Finding[];
  /** Says it over the API, and waits until the recording has it. */
  say<T>(path: string, body: object): Promise<T>;
  recorded(): Recorder['counts'];
  changes(): number;
  /** Lets event time come up to now, ends the recording, and tells what was found. */
  finish(): Promise<Outcome>;
  stop(): Promise<void>;
}

export function optionsOf(flags: Record<string, unknown>, configFile?: string): Options {
  return parseOptions({ command: 'serve', flags: { logLevel: 'silent', port: '0', ...flags }, environment: {}, configFile });
}

export function startLiveRun(run: { client: KubeClient; clock: Clock; file: string; options: Options }): LiveRun {
  const { client, clock, file, options } = run;
  const stopping = new AbortController();
  const findings: Finding[] = [];
  const app = createApp({
    options,
    defaultDb: ':memory:',
    onFinding: (one) => findings.push(one),
    signal: stopping.signal,
    clock,
  });
  const { sources, coverage } = createWatchedCluster(app, { client, options, metrics: NO_METRICS });
  app.controllers.know(coverage);
  const recorder = createRecorder({
    kinds: coverage,
    ...{ file, clock, logger: createLogger('silent') },
    // Not the key of the live run: nobody who replays has that.
    hash: keyedHash(Buffer.alloc(32, 1)),
    head: { clusters: [client.cluster], timeZone: options.timeZone },
  });
  const deliver = async (batch: SourceBatch) => {
    await Promise.all([app.pipeline.sink(batch), recorder.write(batch)]);
  };
  const running = sources.map((source) => source.run(deliver, app.signal));
  const api = app.serveApi({ version: '0', coverage: () => [], checks: () => [], token: TOKEN });
  const asker = api.then(({ url }) => createAsker({ ...options, server: url }, terminalOf(stopping.signal)));
  const verdicts = createFollowedVerdicts({
    ...{ clock, logger: createLogger('silent'), clusters: [client.cluster], askMs: 20 },
    list: async () => askVerdicts(await asker),
  });
  // The live run has heard of it by the API.
  running.push(verdicts.run(recorder.write, app.signal));
  app.startHousekeeping({ live: true });
  return {
    deliver,
    found: () => findings,
    async say<T>(path: string, body: object) {
      const before = recorder.counts.verdicts;
      const answer = await (await asker).post<T>(path, {}, body);
      await until('what was said is recorded', () => recorder.counts.verdicts > before);
      return answer;
    },
    recorded: () => recorder.counts,
    changes: () => app.pipeline.counts.changes,
    async finish() {
      const mark = timeMark(clock);
      app.analysis.advance(mark.seenToMs!);
      await recorder.write(mark);
      await recorder.close();
      return { findings: findings.map(told), changes: changesOf(app), controllers: controllersOf(app) };
    },
    async stop() {
      stopping.abort();
      await Promise.allSettled(running);
      await app.stop();
    },
  };
}

function terminalOf(signal: AbortSignal): Terminal {
  return { signal, token: TOKEN } as Terminal;
}

/** Plays the file as `crowsnest replay` does. The options are those of the replay, which knows only what the recording says of the live run. */
export async function replayOf(file: string, given: Options): Promise<Outcome> {
  const findings: Finding[] = [];
  await using app = await playedApp(file, given, (one) => findings.push(one));
  return { findings: findings.map(told), changes: changesOf(app), controllers: controllersOf(app) };
}

/** The app after it has played the file; the caller stops it. */
export async function playedApp(file: string, given: Options, onFinding?: (finding: Finding) => void): Promise<App> {
  const played = await readyToPlay(given, file);
  const { options, eventClock: claimClock } = played;
  const app = createApp({ options, defaultDb: ':memory:', signal: new AbortController().signal, onFinding, claimClock });
  await app.run(openPlayback(app, played, file, { update() {}, stop() {} }));
  return app;
}

function told({ id, tsMs, subject, detector, score, actor, decision }: Finding): Told {
  const { ref } = subject;
  return {
    id,
    at: new Date(tsMs).toISOString(),
    subject: `${subject.type} ${ref.kind} ${ref.namespace}/${ref.name} ${subject.type === 'change' ? subject.resourceVersion : ''}`,
    detector,
    score,
    actor: `${actor.name} by ${actor.source} ${actor.confidence}`,
    verdict: `${decision.verdict}: ${decision.why}`,
  };
}

function changesOf(app: App): string[] {
  return app.store.changesAfter(0, 100_000).map(({ seq, type, origin, ref, resourceVersion, observedMs, diff }) => {
    const actor = app.store.attribution(seq)?.actor;
    const who = `${actor?.name} by ${actor?.source} ${actor?.confidence}`;
    const paths = diff.map((field) => `${field.op} ${field.path}`).join(' ');
    return `${seq} ${observedMs} ${origin} ${type} ${ref.kind} ${ref.namespace}/${ref.name}@${resourceVersion} ${who} ${paths}`;
  });
}

function controllersOf(app: App): string[] {
  return app.controllers
    .views()
    .map(({ controller, kinds }) => `${controller}: ${kinds.map(({ kind, confidence }) => `${kind} ${confidence}`).join(', ')}`);
}
