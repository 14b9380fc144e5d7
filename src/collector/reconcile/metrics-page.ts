/**
 * Reads one metrics page as it comes: the text format, OpenMetrics, or delimited protobuf, each of them gzipped or not. What is not a
 * sample is counted and passed over; what is not kept never takes memory.
 */
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LengthSplitter } from '../watch/length-splitter.ts';
import { LineSplitter } from '../watch/line-splitter.ts';
import { parseExpositionLine, type ScrapeSample } from './exposition.ts';
import { familyName, samplesOfFamily } from './metric-family.ts';
import { isKept } from './reconcile-metrics.ts';

/** Protobuf first, because only it has native histograms; text is what everything else speaks. */
export const ACCEPT = [
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  'application/openmetrics-text;version=1.0.0;q=0.8',
  'text/plain;version=0.0.4;q=0.5',
].join(',');

const LINE_BYTES_MAX = 1024 * 1024;
const FAMILY_BYTES_MAX = 4 * 1024 * 1024;
/** Series of one page that are kept. A controller has hundreds; per-object series of a large cluster are thousands. */
const SAMPLES_MAX = 50_000;

export interface MetricsPage {
  contentType: string;
  contentEncoding: string;
  body: Readable;
}

/** What was wrong; `fatal` when nothing of the page is to be used. */
export interface PageProblem {
  what: string;
  fatal: boolean;
}

/** Nearly all of a large page is not kept, and is read only so far as to tell that it is no damage. */
const PLAIN_SAMPLE = /^[a-zA-Z_:][\w:]*(?:\{.*\})?[ \t]+[-+]?(?:[\d.]|inf|nan)/i;

interface Reading {
  samples: ScrapeSample[];
  bad: number;
  firstBad: number;
  dropped: number;
}

/** `bytesMax` bounds the page after unpacking. Rejects when the connection breaks. */
export async function readMetricsPage(
  samples: ScrapeSample[],
  page: MetricsPage,
  { bytesMax }: { bytesMax: number },
): Promise<PageProblem | undefined> {
  const encoding = page.contentEncoding.trim().toLowerCase();
  if (encoding !== '' && encoding !== 'identity' && encoding !== 'gzip') {
    page.body.on('error', () => {}).destroy();
    return { what: `the page is encoded as ${encoding}, which was not asked for`, fatal: true };
  }
  const body = encoding === 'gzip' ? pipeline(page.body, createGunzip(), () => {}) : page.body;
  const reading: Reading = { samples, bad: 0, firstBad: 0, dropped: 0 };
  const isProtobuf = page.contentType.startsWith('application/vnd.google.protobuf');
  const problem = await (isProtobuf
    ? readFamilies(reading, limited(body, bytesMax))
    : readLines(reading, limited(body, bytesMax), page.contentType.startsWith('application/openmetrics-text'))
  ).catch((error: unknown): PageProblem => {
    if (!(error instanceof PageError)) throw error;
    return { what: error.message, fatal: true };
  });
  if (problem !== undefined) return problem;
  const unit = isProtobuf ? ['messages are not metrics', 'message'] : ['lines are not samples', 'line'];
  if (reading.bad > 0) return { what: `${reading.bad} ${unit[0]}, the first is ${unit[1]} ${reading.firstBad}`, fatal: false };
  if (reading.dropped > 0)
    return { what: `${reading.dropped} samples beyond the first ${SAMPLES_MAX} are left out`, fatal: false };
  return undefined;
}

async function readLines(reading: Reading, body: AsyncIterable<Buffer>, needsEnd: boolean): Promise<PageProblem | undefined> {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  let number = 0;
  let ended = false;
  const handler = {
    piece(bytes: Buffer) {
      number += 1;
      if (ended) return;
      const line = bytes.toString('latin1');
      if (!isKept(line) && PLAIN_SAMPLE.test(line)) return;
      const parsed = parseExpositionLine(bytes.toString('utf8'));
      if (parsed.type === 'end') ended = true;
      else if (parsed.type === 'bad') noteBad(reading, number);
      else if (parsed.type === 'sample') keep(reading, parsed.sample);
    },
    oversized() {
      number += 1;
      noteBad(reading, number);
    },
  };
  for await (const chunk of body) splitter.push(chunk, handler);
  // The last line of a text page may lack its newline.
  splitter.push(Buffer.from('\n'), handler);
  return needsEnd && !ended ? { what: 'the page ends in the middle (no # EOF)', fatal: true } : undefined;
}

async function readFamilies(reading: Reading, body: AsyncIterable<Buffer>): Promise<PageProblem | undefined> {
  const splitter = new LengthSplitter(FAMILY_BYTES_MAX);
  let message = 0;
  const handler = {
    piece(bytes: Buffer) {
      message += 1;
      try {
        if (!isKept(familyName(bytes))) return;
        for (const sample of samplesOfFamily(bytes)) keep(reading, sample);
      } catch {
        noteBad(reading, message);
      }
    },
    oversized() {
      message += 1;
      noteBad(reading, message);
    },
  };
  for await (const chunk of body) {
    try {
      splitter.push(chunk, handler);
    } catch (error) {
      return { what: (error as Error).message, fatal: true };
    }
  }
  return splitter.isAtBorder ? undefined : { what: 'the page ends in the middle of a message', fatal: true };
}

function keep(reading: Reading, sample: ScrapeSample): void {
  if (!isKept(sample.metric) || !Number.isFinite(sample.value)) return;
  const { le } = sample.labels;
  // OpenMetrics writes 1.0 where the text format writes 1; the series is the same.
  if (le?.endsWith('.0')) sample.labels.le = le.slice(0, -2);
  if (reading.samples.length < SAMPLES_MAX) reading.samples.push(sample);
  else reading.dropped += 1;
}

function noteBad(reading: Reading, place: number): void {
  reading.bad += 1;
  if (reading.bad === 1) reading.firstBad = place;
}

class PageError extends Error {}

async function* limited(body: Readable, bytesMax: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new PageError(`the page is larger than ${bytesMax} bytes`);
    yield chunk;
  }
}
