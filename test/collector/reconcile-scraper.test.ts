import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createScraper, type ScraperOptions } from '../../src/collector/reconcile/reconcile-scraper.ts';
import type { ScrapeTarget } from '../../src/collector/reconcile/scrape-target.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { until } from '../support/until.ts';
import { SILENT_LOGGER } from './memory-record.ts';

const PAGE = `# HELP controller_runtime_reconcile_total Reconciles.
# TYPE controller_runtime_reconcile_total counter
controller_runtime_reconcile_total{controller="kafka",result="success"} 41
controller_runtime_reconcile_time_seconds_bucket{controller="kafka",le="+Inf"} 41
workqueue_depth{name="kafka",controller="kafka",priority="0"} 2
go_goroutines 99
gotk_reconcile_duration_seconds_sum{kind="HelmRelease",name="a",namespace="b"} NaN
`;

describe('scraper of controller metrics', () => {
  let server: http.Server;
  let url: string;
  let answer: (request: http.IncomingMessage, response: http.ServerResponse) => void;

  beforeEach(async () => {
    server = http.createServer((request, response) => answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  /** The batches of so many rounds; the interval is skipped. */
  async function scrape(
    rounds: number,
    { urls = [url], target = {}, ...options }: Partial<ScraperOptions> & { urls?: string[]; target?: Partial<ScrapeTarget> } = {},
  ): Promise<SourceBatch[]> {
    const stop = new AbortController();
    const batches: SourceBatch[] = [];
    let nowMs = 1_000;
    const clock: Clock = {
      nowMs: () => nowMs,
      async sleep(ms) {
        nowMs += ms;
      },
    };
    const scraper = createScraper({
      targets: urls.map((each) => ({ url: each, intervalMs: 15_000, foundBy: 'list', ...target })),
      cluster: 'test',
      clock,
      logger: SILENT_LOGGER,
      ...options,
    });
    await scraper.run(async (batch) => {
      batches.push(batch);
      if (batches.length === rounds) stop.abort();
    }, stop.signal);
    return batches;
  }

  it('keeps what tells of reconciling, names the target and says that it is up', async () => {
    let accept: string | undefined;
    answer = (request, response) => {
      accept = request.headers.accept;
      response.end(PAGE);
    };
    const [first, second] = await scrape(2);
    const instance = new URL(url).host;
    assert.deepEqual(first?.scrapes?.[0]?.samples, [
      { metric: 'controller_runtime_reconcile_total', labels: { controller: 'kafka', result: 'success', instance }, value: 41 },
      {
        metric: 'controller_runtime_reconcile_time_seconds_bucket',
        labels: { controller: 'kafka', le: '+Inf', instance },
        value: 41,
      },
      { metric: 'workqueue_depth', labels: { name: 'kafka', controller: 'kafka', priority: '0', instance }, value: 2 },
      { metric: 'crowsnest_scrape_up', labels: { instance }, value: 1 },
    ]);
    assert.equal(first?.rejects, undefined);
    assert.deepEqual([first?.scrapes?.[0]?.tsMs, second?.scrapes?.[0]?.tsMs], [1_000, 16_000]);
    assert.match(accept ?? '', /^application\/vnd\.google\.protobuf.*application\/openmetrics-text/);
  });

  const failures: [string, (response: http.ServerResponse) => void, RegExp, Parameters<typeof scrape>[1]?][] = [
    ['a status other than 200', (response) => void response.writeHead(403).end(), /answers 403/],
    ['a page over the limit', (response) => void response.end(PAGE), /larger than 100 bytes/, { pageBytesMax: 100 }],
    [
      'an OpenMetrics page without its end',
      (response) => void response.writeHead(200, { 'content-type': 'application/openmetrics-text; version=1.0.0' }).end(PAGE),
      /no # EOF/,
    ],
    ['a connection that is cut', (response) => void response.write(PAGE, () => response.destroy()), /./],
    ['a page that does not come', () => {}, /in time/, { target: { timeoutMs: 30 } }],
  ];
  for (const [what, respond, pattern, options] of failures) {
    it(`says when it meets ${what}, and goes on`, async () => {
      answer = (_, response) => respond(response);
      const [first, second] = await scrape(2, options);
      const instance = new URL(url).host;
      assert.deepEqual(first?.scrapes?.[0]?.samples, [{ metric: 'crowsnest_scrape_up', labels: { instance }, value: 0 }]);
      assert.equal(first?.rejects?.[0]?.code, 'METRICS_UNREADABLE');
      assert.match(first?.rejects?.[0]?.what ?? '', pattern);
      assert.ok(second);
    });
  }

  it('gives up a page that trickles, and reads the next', async () => {
    let requests = 0;
    answer = (_, response) => {
      requests += 1;
      if (requests > 1) return void response.end(PAGE);
      // Never silent for long, and never done.
      const drip = setInterval(() => response.write('workqueue_depth{name="a"} 1\n'), 5);
      response.on('close', () => clearInterval(drip));
    };
    const [trickle, good] = await scrape(2, { target: { timeoutMs: 1_000 } });
    assert.match(trickle?.rejects?.[0]?.what ?? '', /in time/);
    assert.equal(good?.scrapes?.[0]?.samples.at(-1)?.value, 1);
  });

  it('gives up a page of 60 MB, and reads the next', async () => {
    let requests = 0;
    answer = (_, response) => {
      requests += 1;
      if (requests > 1) return void response.end(PAGE);
      const line = Buffer.from('go_memstats_alloc_bytes{some="label"} 123456\n'.repeat(20_000));
      let sent = 0;
      const more = () => {
        for (; sent < 60_000_000; sent += line.length) if (!response.write(line)) return void response.once('drain', more);
        response.end();
      };
      more();
    };
    // Its size is what ends it, however long a busy machine takes to send as much.
    const [large, good] = await scrape(2, { target: { timeoutMs: 600_000 } });
    assert.match(large?.rejects?.[0]?.what ?? '', /larger than 52428800 bytes/);
    assert.equal(good?.scrapes?.[0]?.samples.at(-1)?.value, 1);
  });

  it('says which targets it has, follows a new list, and ends what is no longer on it', async () => {
    answer = (_, response) => void response.end(PAGE);
    const stop = new AbortController();
    const targets = (path: string) => [{ url: `${url}/${path}`, intervalMs: 10, foundBy: path }];
    const scraper = createScraper({ targets: targets('a'), cluster: 'test', clock: systemClock, logger: SILENT_LOGGER });
    let scraped: string[] = [];
    const running = scraper.run(
      async ({ scrapes = [] }) => void scraped.push(...scrapes.map(({ target }) => target.slice(-1))),
      stop.signal,
    );
    await until('a is read', () => scraped.includes('a'));
    scraper.setTargets(targets('b'));
    await until('b is read', () => scraped.includes('b'));
    scraped = [];
    await until('b is read again', () => scraped.length >= 3);
    assert.deepEqual([...new Set(scraped)], ['b']);
    assert.deepEqual(
      scraper.health().map(({ foundBy, up, samples }) => [foundBy, up, samples]),
      [['b', true, 3]],
    );
    stop.abort();
    await running;
  });

  it('reads a discovered page less and less often while it shows no reconciling, and soon again once it does', async () => {
    answer = (_, response) => void response.end('go_goroutines 3\n');
    const batches = await scrape(9, { target: { slowsDown: true } });
    const times = batches.map(({ scrapes }) => (scrapes?.[0]?.tsMs ?? 0) / 1000);
    const pauses = times.slice(1).map((time, i) => time - (times[i] as number));
    assert.deepEqual(pauses, [15, 15, 30, 60, 120, 240, 480, 960]);
  });

  it('uses what can be read of a page with bad lines and counts the rest', async () => {
    answer = (_, response) => void response.end(`this is not one\nworkqueue_depth 3\nworkqueue_adds_total{ 1\n`);
    const [batch] = await scrape(1);
    assert.equal(batch?.scrapes?.[0]?.samples.length, 2);
    assert.match(batch?.rejects?.[0]?.what ?? '', /2 lines are not samples, the first is line 1/);
  });

  it('keeps the other targets when one is down', async () => {
    answer = (_, response) => void response.end(PAGE);
    const batches = await scrape(6, { urls: ['http://127.0.0.1:1/metrics', url] });
    const up = batches.map((batch) => batch.scrapes?.[0]?.samples.at(-1)?.value);
    assert.ok(up.includes(0) && up.includes(1), String(up));
  });

  it('never sends its token over plain HTTP', async () => {
    let authorization: string | undefined = 'none seen';
    answer = (request, response) => {
      authorization = request.headers.authorization;
      response.end(PAGE);
    };
    await scrape(1, { target: { token: { file: import.meta.filename } } });
    assert.equal(authorization, undefined);
  });
});
