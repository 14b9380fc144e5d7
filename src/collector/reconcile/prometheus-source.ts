/**
 * Controllers' metrics out of a Prometheus that has them already: each interval it is asked for the samples since the last one, as they were
 * scraped, with their own times (a range selector; an evaluated query would have times of its own). After downtime the samples of the
 * time between are asked for too, as far back as the bound allows. The position is stored with what it covers.
 */
import { readFile } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../domain/clock.ts';
import type { Json } from '../../domain/json.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type CollectorMetrics, NO_METRICS } from '../metrics.ts';
import type { Sink, Source } from '../source.ts';
import { backOffMs } from '../watch/back-off.ts';
import { type RawSample, readMatrix, scrapesFrom } from './prometheus-answer.ts';
import { KEPT_PREFIXES } from './reconcile-metrics.ts';
import type { TargetHealth } from './target-health.ts';

export interface PrometheusSourceOptions {
  /** Base of the API, with a path where it has one. */
  url: string;
  cluster: string;
  /** Matchers that every series must meet, as `cluster="prod"`, for a Prometheus of several clusters. */
  match?: string | undefined;
  intervalMs: number;
  /** How far back is asked for after downtime, and at the first start. */
  backfillMs: number;
  clock: Clock;
  logger: Logger;
  cursors: { cursor(name: string): string | undefined };
  /** Read at each request; only sent over HTTPS. */
  tokenFile?: string | undefined;
  /** PEM of the authority; without it the system's. */
  ca?: string | undefined;
  metrics?: CollectorMetrics | undefined;
  random?: (() => number) | undefined;
  answerBytesMax?: number | undefined;
  lagMs?: number | undefined;
}

export interface PrometheusSource extends Source {
  /** `lastScrapeMs` is how far samples were asked for. */
  health(): TargetHealth;
}

/** A sample has the time its scrape began and is stored when that ended, which is 10 s later at most by default. */
const LAG_MS = 15_000;
/** One question covers no more than this, so that catching up is many small answers. */
const WINDOW_MS_MAX = 5 * 60_000;
const WINDOW_MS_MIN = 1_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
/** Names asked for in one query. */
const PREFIXES_AT_ONCE = 7;

export function createPrometheusSource(options: PrometheusSourceOptions): PrometheusSource {
  return new PrometheusReader(options);
}

/** Thrown for an answer over the limit: a shorter window may do. */
class AnswerTooLarge extends Error {}

class PrometheusReader implements PrometheusSource {
  readonly name: string;
  readonly #options: PrometheusSourceOptions;
  readonly #cursorName: string;
  readonly #queryUrl: string;
  #throughMs: number | undefined;
  #windowMs = WINDOW_MS_MAX;
  #reason: string | undefined;
  #up = false;
  #samples = 0;

  constructor(options: PrometheusSourceOptions) {
    this.#options = options;
    this.name = `Prometheus of ${options.cluster}`;
    this.#cursorName = `prometheus:${options.cluster}`;
    this.#queryUrl = `${options.url.replace(/\/+$/, '')}/api/v1/query`;
  }

  health(): TargetHealth {
    const reason = this.#reason === undefined ? {} : { reason: this.#reason };
    const { url } = this.#options;
    return { url, foundBy: 'prometheus', lastScrapeMs: this.#throughMs, up: this.#up, samples: this.#samples, ...reason };
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const { clock, ca, intervalMs, random = Math.random } = this.#options;
    const { Agent } = await import('undici');
    const agent = new Agent({ ...(ca === undefined ? {} : { connect: { ca } }), connections: 1 });
    let failures = 0;
    try {
      while (!signal.aborted) {
        const startedMs = clock.nowMs();
        failures = (await this.#catchUp(sink, agent, signal)) ? 0 : failures + 1;
        if (signal.aborted) return;
        const waited = backOffMs(failures, { baseMs: intervalMs, msMax: Math.max(intervalMs, 5 * 60_000), random });
        const pauseMs = failures > 1 ? waited : intervalMs - (clock.nowMs() - startedMs);
        await clock.sleep(Math.max(0, pauseMs), signal).catch(() => {});
      }
    } finally {
      await agent.destroy();
    }
  }

  /** Asks for window after window until it is up to date; false when that came to nothing. */
  async #catchUp(sink: Sink, agent: Dispatcher, signal: AbortSignal): Promise<boolean> {
    const { clock, cluster, lagMs = LAG_MS, logger, metrics = NO_METRICS, url } = this.#options;
    try {
      for (;;) {
        const endMs = clock.nowMs() - lagMs;
        const fromMs = this.#position(endMs);
        if (signal.aborted || endMs - fromMs < WINDOW_MS_MIN) return true;
        const toMs = Math.min(endMs, fromMs + Math.floor(this.#windowMs));
        const fitted = await this.#window(fromMs, toMs, sink, agent, signal);
        // Slowly, as every window that is too long is a question asked in vain.
        if (fitted) this.#windowMs = Math.min(WINDOW_MS_MAX, this.#windowMs * 1.1);
        metrics.scrape(true);
        this.#up = true;
        this.#reason = undefined;
      }
    } catch (error) {
      if (signal.aborted) return true;
      const what = messageOf(error);
      if (this.#reason !== what) logger.warn({ url, what }, 'a Prometheus could not be asked; what it has is asked for later');
      this.#up = false;
      this.#reason = what;
      metrics.scrape(false);
      metrics.reject('METRICS_UNREADABLE');
      const rejects = [{ cluster, code: 'METRICS_UNREADABLE', where: url, what, observedMs: clock.nowMs() }];
      await sink({ observations: [], rejects }).catch(() => {});
      return false;
    }
  }

  /** Where to go on: after what is stored, unless that is further back than is wanted. */
  #position(endMs: number): number {
    const { cursors, backfillMs, logger } = this.#options;
    const stored = this.#throughMs ?? Number(cursors.cursor(this.#cursorName) ?? Number.NaN);
    const earliestMs = endMs - Math.max(backfillMs, WINDOW_MS_MIN);
    if (!Number.isFinite(stored)) return earliestMs;
    if (stored < earliestMs) {
      const lostSeconds = Math.round((earliestMs - stored) / 1000);
      logger.warn({ lostSeconds }, 'the Prometheus is not asked for older samples than the backfill allows');
    }
    return Math.max(stored, earliestMs);
  }

  /** False when the answer was too large and a shorter window is to be tried. */
  async #window(fromMs: number, toMs: number, sink: Sink, agent: Dispatcher, signal: AbortSignal): Promise<boolean> {
    const { cluster } = this.#options;
    const samples: RawSample[] = [];
    try {
      for (const names of nameGroups()) {
        for (const sample of await this.#ask(names, fromMs, toMs, agent, signal)) {
          // Whether a window's first moment belongs to it differs between versions.
          if (sample.tsMs > fromMs && sample.tsMs <= toMs) samples.push(sample);
        }
      }
    } catch (error) {
      if (!(error instanceof AnswerTooLarge) || toMs - fromMs <= WINDOW_MS_MIN) throw error;
      this.#windowMs = Math.max(WINDOW_MS_MIN, (toMs - fromMs) / 4);
      return false;
    }
    await sink({ observations: [], scrapes: scrapesFrom(samples, cluster), cursors: { [this.#cursorName]: String(toMs) } });
    this.#throughMs = toMs;
    this.#samples = samples.length;
    return true;
  }

  async #ask(names: string, fromMs: number, toMs: number, agent: Dispatcher, signal: AbortSignal): Promise<RawSample[]> {
    const { match, answerBytesMax = ANSWER_BYTES_MAX } = this.#options;
    const matchers = [`__name__=~"${names}"`, ...(match === undefined ? [] : [match])].join(',');
    const form = new URLSearchParams({
      query: `{${matchers}}[${toMs - fromMs}ms]`,
      time: (toMs / 1000).toFixed(3),
      timeout: `${TIMEOUT_MS}ms`,
    });
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const { request } = await import('undici');
      const answer = await request(this.#queryUrl, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'user-agent': 'crowsnest',
          ...(await this.#authorization()),
        },
        body: form.toString(),
        dispatcher: agent,
        signal: AbortSignal.any([signal, timeout]),
      });
      const body = await readBounded(answer.body as AsyncIterable<Buffer>, answerBytesMax);
      if (answer.statusCode !== 200) throw new Error(`it answers ${answer.statusCode}${reasonIn(body)}`);
      const samples = readMatrix(parse(body));
      if (samples === undefined) throw new Error('the answer is not one of a Prometheus');
      return samples;
    } catch (error) {
      throw timeout.aborted ? new Error(`no answer within ${TIMEOUT_MS / 1000} s`) : error;
    }
  }

  async #authorization(): Promise<Record<string, string>> {
    const { tokenFile, url } = this.#options;
    if (tokenFile === undefined || !url.startsWith('https:')) return {};
    return { authorization: `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}` };
  }
}

/** The names of kept series as a few regular expressions. */
function nameGroups(): string[] {
  const groups: string[] = [];
  for (let i = 0; i < KEPT_PREFIXES.length; i += PREFIXES_AT_ONCE) {
    groups.push(`(?:${KEPT_PREFIXES.slice(i, i + PREFIXES_AT_ONCE).join('|')}).*`);
  }
  return groups;
}

async function readBounded(body: AsyncIterable<Buffer>, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax)
      throw new AnswerTooLarge(`the answer is larger than ${bytesMax} bytes even for ${WINDOW_MS_MIN / 1000} s`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(body: string): Json {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return null;
  }
}

/** Prometheus says in JSON what it does not like; a proxy says anything. */
function reasonIn(body: string): string {
  const parsed = parse(body);
  const error = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed.error : undefined;
  return typeof error === 'string' ? `: ${error.slice(0, 300)}` : '';
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
