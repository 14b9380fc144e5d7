/**
 * Reads the /metrics pages of controllers at an interval and delivers the series that tell of reconciling. A target that cannot be read
 * is said (a reject, and `crowsnest_scrape_up` 0), and troubles no other.
 */
import { readFile } from 'node:fs/promises';
import { Agent, type Dispatcher, request } from 'undici';
import type { Clock } from '../domain/clock.ts';
import type { Scrape } from '../domain/series.ts';
import type { Logger } from '../telemetry/logger.ts';
import { parseExpositionLine, type ScrapeSample } from './exposition.ts';
import { LineSplitter } from './line-splitter.ts';
import { type CollectorMetrics, NO_METRICS } from './metrics.ts';
import { isKept } from './reconcile-metrics.ts';
import type { Sink, Source } from './source.ts';

export interface ScraperOptions {
  /** URLs of metrics pages. */
  targets: string[];
  cluster: string;
  intervalMs: number;
  clock: Clock;
  logger: Logger;
  /** Sent as a bearer token, read at each scrape, as it rotates. Only ever sent over HTTPS. */
  bearerTokenFile?: string | undefined;
  /** PEM of the authority that signs the targets; without it the system's. */
  ca?: string | undefined;
  metrics?: CollectorMetrics | undefined;
  timeoutMs?: number | undefined;
  pageBytesMax?: number | undefined;
}

const ACCEPT = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5';
const LINE_BYTES_MAX = 1024 * 1024;

export function createScraper(options: ScraperOptions): Source {
  return {
    name: `metrics of ${options.targets.length} controllers`,
    async run(sink, signal) {
      const agent = new Agent({ ...(options.ca === undefined ? {} : { connect: { ca: options.ca } }), connections: 1 });
      try {
        await Promise.all(
          options.targets.map((target, i) =>
            scrapeForEver(target, i / options.targets.length, { ...options, agent }, sink, signal),
          ),
        );
      } finally {
        await agent.destroy();
      }
    },
  };
}

type Scraping = ScraperOptions & { agent: Dispatcher };

/** Targets begin spread over the interval: `phase` from 0 to 1. */
async function scrapeForEver(target: string, phase: number, options: Scraping, sink: Sink, signal: AbortSignal): Promise<void> {
  const { clock, cluster, intervalMs, logger, metrics = NO_METRICS } = options;
  const sleep = (ms: number) => clock.sleep(ms, signal).catch(() => {});
  if (phase > 0) await sleep(phase * intervalMs);
  while (!signal.aborted) {
    const startedMs = clock.nowMs();
    const instance = new URL(target).host;
    const scrape: Scrape = { cluster, target, tsMs: startedMs, samples: [] };
    const problem = await scrapeInto(scrape.samples, target, options, signal);
    if (signal.aborted) return;
    scrape.samples = scrape.samples.map((sample) => ({ ...sample, labels: { ...sample.labels, instance } }));
    scrape.samples.push({ metric: 'crowsnest_scrape_up', labels: { instance }, value: problem?.fatal ? 0 : 1 });
    metrics.scrape(!problem?.fatal);
    const rejects = problem && [
      { cluster, code: 'METRICS_UNREADABLE', where: target, what: problem.what, observedMs: startedMs },
    ];
    if (problem !== undefined) {
      metrics.reject('METRICS_UNREADABLE');
      logger.warn({ target, what: problem.what }, 'a metrics page could not be read');
    }
    try {
      await sink({ observations: [], scrapes: [scrape], ...(rejects === undefined ? {} : { rejects }) });
    } catch (error) {
      // A scrape is one of many; the next one carries the same counters further.
      logger.warn({ target, reason: messageOf(error) }, 'a scrape could not be stored');
    }
    await sleep(Math.max(0, intervalMs - Math.max(0, clock.nowMs() - startedMs)));
  }
}

/** What was wrong; `fatal` when nothing of the page is to be used. */
interface Problem {
  what: string;
  fatal: boolean;
}

async function scrapeInto(
  samples: ScrapeSample[],
  target: string,
  options: Scraping,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? Math.min(10_000, options.intervalMs));
  try {
    const headers = { accept: ACCEPT, 'user-agent': 'crowsnest', ...(await authorization(target, options)) };
    const answer = await request(target, { headers, dispatcher: options.agent, signal: AbortSignal.any([signal, timeout]) });
    if (answer.statusCode !== 200) {
      answer.body.on('error', () => {}).destroy();
      return { what: `the page answers ${answer.statusCode}`, fatal: true };
    }
    const needsEnd = String(answer.headers['content-type'] ?? '').startsWith('application/openmetrics-text');
    const problem = await readPage(samples, answer.body as AsyncIterable<Buffer>, {
      needsEnd,
      bytesMax: options.pageBytesMax ?? 50 * 1024 * 1024,
    });
    if (problem?.fatal) samples.length = 0;
    return problem;
  } catch (error) {
    samples.length = 0;
    return { what: timeout.aborted ? 'the page did not come in time' : messageOf(error), fatal: true };
  }
}

async function readPage(
  samples: ScrapeSample[],
  body: AsyncIterable<Buffer>,
  { needsEnd, bytesMax }: { needsEnd: boolean; bytesMax: number },
): Promise<Problem | undefined> {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  const page = { line: 0, ended: false, bad: 0, firstBad: 0, bytes: 0 };
  const bad = () => {
    page.bad += 1;
    if (page.bad === 1) page.firstBad = page.line;
  };
  const handler = {
    piece(bytes: Buffer) {
      page.line += 1;
      if (page.ended) return;
      const parsed = parseExpositionLine(bytes.toString('utf8'));
      if (parsed.type === 'end') page.ended = true;
      else if (parsed.type === 'bad') bad();
      else if (parsed.type === 'sample' && isKept(parsed.sample.metric) && Number.isFinite(parsed.sample.value))
        samples.push(parsed.sample);
    },
    oversized() {
      page.line += 1;
      bad();
    },
  };
  for await (const chunk of body) {
    page.bytes += chunk.length;
    if (page.bytes > bytesMax) return { what: `the page is larger than ${bytesMax} bytes`, fatal: true };
    splitter.push(chunk, handler);
  }
  // The last line of a text page may lack its newline.
  splitter.push(Buffer.from('\n'), handler);
  if (needsEnd && !page.ended) return { what: 'the page ends in the middle (no # EOF)', fatal: true };
  if (page.bad > 0) return { what: `${page.bad} lines are not samples, the first is line ${page.firstBad}`, fatal: false };
  return undefined;
}

async function authorization(target: string, { bearerTokenFile }: Scraping): Promise<Record<string, string>> {
  if (bearerTokenFile === undefined || !target.startsWith('https:')) return {};
  return { authorization: `Bearer ${(await readFile(bearerTokenFile, 'utf8')).trim()}` };
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
