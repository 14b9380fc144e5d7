import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readMatrix, scrapesFrom } from '../../src/collector/reconcile/prometheus-answer.ts';
import { createPrometheusSource, type PrometheusSourceOptions } from '../../src/collector/reconcile/prometheus-source.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { Json } from '../../src/domain/json.ts';
import { SILENT_LOGGER } from './memory-record.ts';

const answer = (...result: Json[]): Json => ({ status: 'success', data: { resultType: 'matrix', result } });
const series = (metric: Record<string, string>, values: [number, string][]): Json => ({
  metric: { __name__: 'controller_runtime_reconcile_total', instance: '10.0.0.1:8080', controller: 'kafka', ...metric },
  values,
});

describe('an answer of Prometheus', () => {
  it('is scrapes as they were made: by target and time, without what Prometheus added', () => {
    const samples = readMatrix(
      answer(
        series({ job: 'ops', pod: 'op-0', namespace: 'ops', result: 'success' }, [
          [100.25, '3'],
          [130.25, '5'],
        ]),
        series({ job: 'ops', pod: 'op-0', namespace: 'ops', result: 'error' }, [
          [100.25, '0'],
          [130.25, '1'],
        ]),
        series({ instance: '10.0.0.2:8080', result: 'success' }, [[101, '9']]),
      ),
    );
    const labels = (result: string, instance: string) => ({ controller: 'kafka', result, instance });
    const scrapes = scrapesFrom(samples ?? [], 'prod');
    assert.deepEqual(
      scrapes.map(({ cluster, target, tsMs, samples: of }) => [cluster, target, tsMs, of.length]),
      [
        ['prod', 'prometheus 10.0.0.1:8080', 100_250, 2],
        ['prod', 'prometheus 10.0.0.2:8080', 101_000, 1],
        ['prod', 'prometheus 10.0.0.1:8080', 130_250, 2],
      ],
    );
    assert.deepEqual(scrapes[1]?.samples, [
      { metric: 'controller_runtime_reconcile_total', labels: labels('success', '10.0.0.2:8080'), value: 9 },
    ]);
    assert.equal(scrapes[0]?.samples[0]?.labels.namespace, 'ops');
  });

  it('gives labels of the page their own names back', () => {
    const given = {
      __name__: 'gotk_reconcile_duration_seconds_sum',
      instance: 'i',
      kind: 'HelmRelease',
      namespace: 'flux-system',
      exported_namespace: 'apps',
    };
    const [sample] = readMatrix(answer({ metric: given, values: [[1, '2']] })) ?? [];
    assert.deepEqual(sample?.labels, { instance: 'i', kind: 'HelmRelease', namespace: 'apps' });
  });

  it('counts two replicas of one Prometheus once', () => {
    const replica = (name: string) => series({ prometheus_replica: name }, [[1, '2']]);
    assert.equal(scrapesFrom(readMatrix(answer(replica('a'), replica('b'))) ?? [], 'prod')[0]?.samples.length, 1);
  });

  it('leaves out what is not kept and what is no number', () => {
    const samples = readMatrix(
      answer(
        series({ __name__: 'go_goroutines' }, [[1, '2']]),
        series({}, [
          [1, 'NaN'],
          [2, '+Inf'],
          [3, '4'],
        ]),
      ),
    );
    assert.deepEqual(
      samples?.map(({ value }) => value),
      [4],
    );
  });

  it('turns a native histogram into buckets at powers of two, where it has such borders', () => {
    const histogram = {
      count: '7',
      sum: '5.5',
      buckets: [
        [3, '-0.001', '0.001', '1'],
        [0, '0.5', '0.7071067811865475', '2'],
        [0, '0.7071067811865475', '1', '3'],
        [0, '1', '4', '1'],
      ],
    };
    const given = {
      metric: { __name__: 'workqueue_queue_duration_seconds', name: 'kafka', instance: 'i' },
      histograms: [[1, histogram]],
    };
    const samples = readMatrix(answer(given as Json)) ?? [];
    const at = (le: string) => samples.find(({ labels }) => labels.le === le)?.value;
    assert.deepEqual([at('0.5'), at('1'), at('2'), at('4'), at('+Inf')], [1, 6, undefined, 7, 7]);
    assert.deepEqual(
      samples.slice(-2).map(({ metric, value }) => [metric, value]),
      [
        ['workqueue_queue_duration_seconds_sum', 5.5],
        ['workqueue_queue_duration_seconds_count', 7],
      ],
    );
  });

  for (const wrong of [
    null,
    [],
    {},
    { status: 'error' },
    { status: 'success', data: { resultType: 'vector', result: [] } },
  ] as Json[]) {
    it(`is none: ${JSON.stringify(wrong)}`, () => assert.equal(readMatrix(wrong), undefined));
  }
});

describe('source that asks a Prometheus', () => {
  let server: http.Server;
  let url: string;
  let respond: (form: URLSearchParams, response: http.ServerResponse) => void;
  let asked: { fromMs: number; toMs: number; query: string; authorization: string | undefined }[];

  beforeEach(async () => {
    asked = [];
    server = http.createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const toMs = Number(form.get('time')) * 1000;
      const query = form.get('query') ?? '';
      const { authorization } = request.headers;
      asked.push({ fromMs: toMs - Number(/\[(\d+)ms\]$/.exec(query)?.[1]), toMs, query, authorization });
      respond(form, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prometheus/`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const START_MS = 10_000_000;
  const json = (response: http.ServerResponse, status: number, body: Json) =>
    void response.writeHead(status).end(JSON.stringify(body));

  /** Runs so many rounds of 30 s each; `stored` is the position of an earlier run. */
  async function run(rounds: number, options: Partial<PrometheusSourceOptions> = {}, stored?: number): Promise<SourceBatch[]> {
    const stop = new AbortController();
    const batches: SourceBatch[] = [];
    let nowMs = START_MS;
    let left = rounds;
    const clock: Clock = {
      nowMs: () => nowMs,
      async sleep() {
        nowMs += 30_000;
        left -= 1;
        if (left === 0) stop.abort();
      },
    };
    const source = createPrometheusSource({
      ...{ url, cluster: 'prod', intervalMs: 30_000, backfillMs: 60_000, clock, logger: SILENT_LOGGER, random: () => 0 },
      cursors: { cursor: () => (stored === undefined ? undefined : String(stored)) },
      ...options,
    });
    await source.run(async (batch) => void batches.push(batch), stop.signal);
    return batches;
  }
  /** The windows asked for, each once, though it takes several queries. */
  const windows = () => [
    ...new Set(asked.map(({ fromMs, toMs }) => `${(fromMs - START_MS) / 1000}…${(toMs - START_MS) / 1000}`)),
  ];

  it('asks for each stretch of time once, behind what is still being scraped', async () => {
    respond = (_, response) => json(response, 200, answer());
    const batches = await run(3);
    assert.deepEqual(windows(), ['-75…-15', '-15…15', '15…45']);
    assert.deepEqual(
      batches.map(({ cursors }) => cursors?.['prometheus:prod']),
      ['9985000', '10015000', '10045000'],
    );
    assert.ok(asked.every(({ query }) => query.startsWith('{__name__=~"(?:')));
    assert.ok(asked.length <= 12, `${asked.length} queries for three windows`);
  });

  it('goes on where an earlier run ended, in windows of five minutes, and no further back than it may', async () => {
    respond = (_, response) => json(response, 200, answer());
    await run(1, { backfillMs: 3_600_000 }, START_MS - 700_000);
    assert.deepEqual(windows(), ['-700…-400', '-400…-100', '-100…-15']);
    asked = [];
    await run(1, { backfillMs: 60_000 }, START_MS - 700_000);
    assert.deepEqual(windows(), ['-75…-15']);
  });

  it('takes a sample at the border of two windows once', async () => {
    const borders = [-75, -15, 15].map((seconds): [number, string] => [(START_MS + seconds * 1000) / 1000, '1']);
    respond = (form, response) =>
      json(response, 200, form.get('query')?.includes('controller_runtime_reconcile_') ? answer(series({}, borders)) : answer());
    const batches = await run(2);
    assert.deepEqual(
      batches.map(({ scrapes = [] }) => scrapes.map(({ tsMs }) => (tsMs - START_MS) / 1000)),
      [[-15], [15]],
    );
  });

  it('narrows the series by the matchers it was given', async () => {
    respond = (_, response) => json(response, 200, answer());
    await run(1, { match: 'cluster="prod"' });
    assert.ok(asked.every(({ query }) => query.includes(',cluster="prod"}[')));
  });

  it('asks for less at once when an answer is too large, and loses nothing by it', async () => {
    respond = (form, response) => {
      const long = Number(/\[(\d+)ms\]$/.exec(form.get('query') ?? '')?.[1]) > 20_000;
      response.end(long ? 'x'.repeat(20_000) : JSON.stringify(answer()));
    };
    const batches = await run(1, { answerBytesMax: 10_000 });
    const through = batches.map(({ cursors }) => (Number(cursors?.['prometheus:prod']) - START_MS) / 1000);
    assert.equal(through.at(-1), -15);
    assert.deepEqual(
      [...through].sort((a, b) => a - b),
      through,
    );
    assert.ok(through.length >= 3);
  });

  const failures: [what: string, respond: (response: http.ServerResponse) => void, pattern: RegExp][] = [
    [
      'a refusal with its reason',
      (response) => json(response, 422, { status: 'error', error: 'query is too heavy' }),
      /answers 422: query is too heavy/,
    ],
    ['a page of a proxy', (response) => void response.end('<html>'), /not one of a Prometheus/],
    ['a connection that is cut', (response) => void response.destroy(), /./],
  ];
  for (const [what, fail, pattern] of failures) {
    it(`says when it meets ${what}, and asks for the same again later`, async () => {
      respond = (_, response) => (asked.length === 1 ? fail(response) : json(response, 200, answer()));
      const batches = await run(2);
      assert.match(batches[0]?.rejects?.[0]?.what ?? '', pattern);
      assert.equal(batches[0]?.cursors, undefined);
      assert.equal(batches[1]?.cursors?.['prometheus:prod'], '10015000');
      assert.equal(asked.at(-1)?.fromMs, START_MS - 45_000, 'the bound of the backfill, which is one minute');
    });
  }

  it('never sends its token over plain HTTP', async () => {
    respond = (_, response) => json(response, 200, answer());
    await run(1, { tokenFile: import.meta.filename });
    assert.deepEqual([...new Set(asked.map(({ authorization }) => authorization))], [undefined]);
  });
});
