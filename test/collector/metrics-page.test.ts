import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ScrapeSample } from '../../src/collector/reconcile/exposition.ts';
import { type PageProblem, readMetricsPage } from '../../src/collector/reconcile/metrics-page.ts';

const FIXTURES = new URL('../../fixtures/metrics/', import.meta.url);
const PROTOBUF = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
const protobuf = readFileSync(new URL('native-histograms.pb', FIXTURES));
const text = readFileSync(new URL('native-histograms.txt', FIXTURES));
const observations = readFileSync(new URL('native-histograms.observations.txt', FIXTURES), 'utf8').trim().split('\n').map(Number);

interface Read {
  samples: ScrapeSample[];
  problem: PageProblem | undefined;
}

async function read(
  bytes: Buffer,
  { contentType = PROTOBUF, contentEncoding = '', chunk = 64, bytesMax = 1_000_000 } = {},
): Promise<Read> {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunk) chunks.push(bytes.subarray(at, at + chunk));
  const samples: ScrapeSample[] = [];
  const problem = await readMetricsPage(samples, { contentType, contentEncoding, body: Readable.from(chunks) }, { bytesMax });
  return { samples, problem };
}

const identity = ({ metric, labels, value }: ScrapeSample) =>
  `${metric}${JSON.stringify(Object.entries(labels).sort())} ${value}`;

describe('metrics page', () => {
  it('says the same in protobuf as in text, but for the native histogram that text cannot say', async () => {
    const fromText = await read(text, { contentType: 'text/plain; version=0.0.4' });
    const fromProtobuf = await read(protobuf);
    const isNative = ({ metric, labels }: ScrapeSample) =>
      metric === 'workqueue_queue_duration_seconds_bucket' && labels.le !== '+Inf';
    const said = ({ samples }: Read) =>
      samples
        .filter((sample) => !isNative(sample))
        .map(identity)
        .sort();
    assert.ok(fromText.samples.length > 15);
    assert.deepEqual(said(fromProtobuf), said(fromText));
    assert.equal(fromText.samples.filter(isNative).length, 0);
    assert.equal(fromProtobuf.samples.filter(isNative).length, 23);
  });

  it('counts a native histogram exactly at every power of two', async () => {
    const { samples, problem } = await read(protobuf);
    assert.equal(problem, undefined);
    const buckets = samples.filter(({ metric }) => metric === 'workqueue_queue_duration_seconds_bucket');
    for (const { labels, value } of buckets) {
      const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
      assert.equal(value, observations.filter((seconds) => seconds <= le).length, `le ${labels.le}`);
    }
    assert.ok(new Set(buckets.map(({ value }) => value)).size > 8, 'the buckets tell the observations apart');
  });

  for (const chunk of [1, 7, 4096]) {
    it(`reads the same whatever the chunks (${chunk})`, async () => {
      assert.deepEqual(await read(protobuf, { chunk }), await read(protobuf));
    });
  }

  it('reads gzip', async () => {
    assert.deepEqual(await read(gzipSync(protobuf), { contentEncoding: 'gzip' }), await read(protobuf));
  });

  it('bounds what gzip unpacks to', async () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000, '#\n'));
    const { problem } = await read(bomb, { contentType: 'text/plain', contentEncoding: 'gzip' });
    assert.match(problem?.what ?? '', /larger than 1000000 bytes/);
  });

  it('rejects when gzip is damaged', async () => {
    const damaged = gzipSync(protobuf).subarray(0, 300);
    await assert.rejects(read(damaged, { contentEncoding: 'gzip' }), /unexpected end of file/);
  });

  it('refuses an encoding that was not asked for', async () => {
    const { problem } = await read(protobuf, { contentEncoding: 'br' });
    assert.deepEqual([problem?.fatal, /encoded as br/.test(problem?.what ?? '')], [true, true]);
  });

  it('says that a protobuf page was cut', async () => {
    const { problem } = await read(protobuf.subarray(0, 500));
    assert.match(problem?.what ?? '', /ends in the middle of a message/);
  });

  it('passes over a message that is none and goes on behind it', async () => {
    const good = await read(protobuf);
    const { samples, problem } = await read(Buffer.concat([Buffer.from([3, 0xff, 0xff, 0xff]), protobuf]));
    assert.deepEqual(samples, good.samples);
    assert.match(problem?.what ?? '', /1 messages are not metrics, the first is message 1/);
    assert.equal(problem?.fatal, false);
  });

  it('passes over a message that is too large without holding it', async () => {
    const length = 5 * 1024 * 1024;
    const varint = Buffer.from([
      (length & 0x7f) | 0x80,
      ((length >> 7) & 0x7f) | 0x80,
      ((length >> 14) & 0x7f) | 0x80,
      length >> 21,
    ]);
    const good = await read(protobuf);
    const page = Buffer.concat([varint, Buffer.alloc(length, 1), protobuf]);
    const { samples, problem } = await read(page, { chunk: 65_536, bytesMax: 50_000_000 });
    assert.deepEqual(samples, good.samples);
    assert.match(problem?.what ?? '', /first is message 1/);
  });

  it('gives up where a length cannot be one', async () => {
    const { problem } = await read(Buffer.alloc(100, 0xff));
    assert.match(problem?.what ?? '', /no length/);
  });

  it('reads 50 MB of text with 50,000 samples at most, and says what it left out', async () => {
    const line = `workqueue_adds_total{name="controller-with-a-long-name-0000000000000000000000000000000000000000",i="000000"} 1\n`;
    const page = Buffer.from(line.repeat(60_000));
    const { samples, problem } = await read(page, { contentType: 'text/plain', chunk: 65_536, bytesMax: 50_000_000 });
    assert.equal(samples.length, 50_000);
    assert.match(problem?.what ?? '', /10000 samples beyond the first 50000/);
  });

  it('names a bucket alike in text and in OpenMetrics', async () => {
    const line = 'controller_runtime_reconcile_time_seconds_bucket{controller="a",le="1.0"} 3\n# EOF\n';
    const { samples } = await read(Buffer.from(line), { contentType: 'application/openmetrics-text; version=1.0.0' });
    assert.equal(samples[0]?.labels.le, '1');
  });
});
