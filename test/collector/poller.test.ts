/** A list without a watch becomes changes: additions, edits, deletions, and nothing that was not there. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Registry } from 'prom-client';
import { createIngestMetrics } from '../../src/collector/pushed/ingest-metrics.ts';
import { readPolledList } from '../../src/collector/pushed/polled-list.ts';
import { type Poll, Poller } from '../../src/collector/pushed/poller.ts';
import type { Json } from '../../src/domain/json.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../respond/manual-clock.ts';
import { kafka, observed } from '../support/objects.ts';
import { until } from '../support/until.ts';

const HASH = keyedHash(Buffer.from('k'));
type Answer = { status?: number; headers?: Record<string, string>; body: string | Buffer };

describe('a polled list', () => {
  let server: Server;
  let url: string;
  let answer: Answer;
  const asked: IncomingHttpHeaders[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'poller-'));
  let store: SqliteStore;
  let clock: ManualClock;
  let registry: Registry;
  let stop: () => Promise<void>;
  let poller: Poller;

  before(async () => {
    server = createServer((request, response) => {
      asked.push(request.headers);
      response.writeHead(answer.status ?? 200, answer.headers);
      response.end(answer.body);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/teams`;
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  afterEach(() => stop());
  beforeEach(() => {
    asked.length = 0;
    store = openSqliteStore({ file: ':memory:' });
    registry = new Registry();
    // The first poll comes at once, before a test has its say.
    answer = { status: 503, body: '' };
    start();
  });

  function start(more: Partial<Poll> = {}): void {
    const ingest = createIngest({ store, hash: HASH });
    clock = new ManualClock();
    const stopping = new AbortController();
    poller = new Poller({
      poll: {
        ...{ name: 'teams', url, intervalMs: 60_000, cluster: 'test', apiVersion: 'teams.example/v1', kind: 'Team' },
        ...{ items: '/data', key: ['/id'], namespace: '/org', ...more },
      },
      known: { heads: (group, kind) => store.heads('test', group, kind) },
      ...{
        cursors: store,
        hash: HASH,
        clock,
        logger: createLogger('silent'),
        metrics: createIngestMetrics(registry),
        random: () => 0.5,
      },
    });
    const running = poller.run(async (batch) => void ingest.record(batch), stopping.signal);
    stop = async () => {
      stopping.abort();
      await running;
    };
  }
  async function restart(more: Partial<Poll> = {}): Promise<void> {
    await stop();
    registry = new Registry();
    start(more);
  }
  const teams = (...items: Json[]) => JSON.stringify({ data: items });
  const polls = async (result: 'ok' | 'failed') => {
    const text = await registry.metrics();
    return Number(new RegExp(`crowsnest_polls_total\\{poll="teams",result="${result}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  };
  /** Gives the answer to the next poll and waits until it was dealt with. */
  async function poll(next: Answer, result: 'ok' | 'failed' = 'ok'): Promise<void> {
    await until('it waits for its time', () => clock.sleeping === 1);
    answer = next;
    const done = await polls(result);
    clock.advance(60_000);
    await until(`a poll more is ${result}`, async () => (await polls(result)) === done + 1);
  }
  const changes = () =>
    store
      .changes({ limit: 100 })
      .items.reverse()
      .map(({ type, ref, origin }) => `${type} ${ref.namespace}/${ref.name} ${origin}`);

  it('is compared with what is recorded: added, edited, gone', async () => {
    await poll({ body: teams({ id: 1, org: 'sea', size: 3 }, { id: 2, org: 'sea', size: 1 }) });
    assert.deepEqual(changes(), ['ADDED sea/1 list', 'ADDED sea/2 list']);
    await poll({ body: teams({ id: 1, org: 'sea', size: 3 }, { id: 2, org: 'sea', size: 1 }) });
    await poll({ body: teams({ size: 4, org: 'sea', id: 1 }, { id: 3, org: 'air', size: 1 }) });
    assert.deepEqual(changes().slice(2), ['MODIFIED sea/1 relist', 'ADDED air/3 relist', 'DELETED sea/2 relist']);
    const [edit] = store.changesAfter(2, 1);
    assert.deepEqual(
      edit?.diff.map(({ path, old, new: now }) => [path, old, now]),
      [['/spec/size', 3, 4]],
    );
  });

  it('gives a key that comes back a life of its own', async () => {
    const one = { body: teams({ id: 1, org: 'sea' }) };
    await poll(one);
    await poll({ body: teams() });
    await poll(one);
    await poll(one);
    assert.deepEqual(changes(), ['ADDED sea/1 list', 'DELETED sea/1 relist', 'ADDED sea/1 relist']);
    const uids = store.changesAfter(0, 10).map(({ uid }) => uid);
    assert.equal(uids[0], uids[1]);
    assert.notEqual(uids[1], uids[2]);
  });

  it('goes on after a restart where it was', async () => {
    const body = teams({ id: 1, org: 'sea' }, { id: 2, org: 'sea' });
    await poll({ body });
    await restart();
    await poll({ body: teams({ id: 1, org: 'sea' }) });
    assert.deepEqual(changes().slice(2), ['DELETED sea/2 relist']);
  });

  const failures: [string, Answer][] = [
    ['a server error', { status: 503, body: teams() }],
    ['another status', { status: 301, headers: { location: '/elsewhere' }, body: '' }],
    ['a 304 that nobody asked for', { status: 304, body: '' }],
    ['an answer that is no JSON', { body: '<html>' }],
    ['an answer without the list', { body: '{"data":{}}' }],
    ['broken UTF-8', { body: Buffer.from([0x22, 0xff, 0x22]) }],
    ['a list cut short', { body: teams({ id: 1, org: 'sea' }).slice(0, -3) }],
  ];
  for (const [what, wrong] of failures) {
    it(`takes nothing for deleted after ${what}`, async () => {
      await poll({ body: teams({ id: 1, org: 'sea' }, { id: 2, org: 'sea' }) });
      await poll(wrong, 'failed');
      assert.equal(changes().length, 2);
      assert.equal(poller.blindSpot()?.what, 'poll teams');
      await poll({ body: teams({ id: 1, org: 'sea' }) });
      assert.deepEqual(changes().slice(2), ['DELETED sea/2 relist'], 'and goes on afterwards');
      assert.equal(poller.blindSpot(), undefined);
      assert.equal(poller.reach().state, 'reached');
    });
  }

  it('with an unreadable item keeps the others and takes nothing for deleted', async () => {
    await poll({ body: teams({ id: 1, org: 'sea' }, { id: 2, org: 'sea' }) });
    const broken = { body: teams({ id: 1, org: 'sea', size: 1 }, { name: 'no id' }, 7, { id: 1, org: 'sea' }, { id: 9 }) };
    await poll(broken);
    await poll(broken);
    assert.deepEqual(changes().slice(2), ['MODIFIED sea/1 relist']);
    assert.equal(store.counts().rejects, 4, 'each told once, though met at every poll');
    assert.match(await registry.metrics(), /crowsnest_ingest_rejects_total\{reason="object"\} 6\n/);
  });

  it('asks whether something changed only after a whole list is recorded, also after a restart', async () => {
    const tagged = { headers: { etag: '"v1"', 'last-modified': 'Fri, 27 Nov 2026 08:00:00 GMT' } };
    await poll({ ...tagged, body: teams({ id: 1, org: 'sea' }, { name: 'no id' }) });
    await poll({ ...tagged, body: teams({ id: 1, org: 'sea' }) });
    assert.equal(asked.at(-1)?.['if-none-match'], undefined);
    await poll({ status: 304, body: '' });
    assert.deepEqual(
      [asked.at(-1)?.['if-none-match'], asked.at(-1)?.['if-modified-since']],
      ['"v1"', tagged.headers['last-modified']],
    );
    await restart();
    await poll({ status: 304, body: '' });
    assert.equal(asked.at(-1)?.['if-none-match'], '"v1"');
    assert.deepEqual(changes(), ['ADDED sea/1 list']);
  });

  it('leaves alone what came another way under the same kind', async () => {
    const watched = { ...kafka('watched', '7', {}), apiVersion: 'teams.example/v1', kind: 'Team' };
    createIngest({ store, hash: HASH }).record({ observations: [observed('ADDED', watched, 1000)] });
    await poll({ body: teams({ id: 1, org: 'sea' }) });
    await poll({ body: teams() });
    assert.deepEqual(changes().slice(1), ['ADDED sea/1 list', 'DELETED sea/1 relist']);
  });

  it('is asked for with the token of its file, as it is at the time', async () => {
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'first\n');
    await restart({ tokenFile });
    await poll({ body: teams() });
    writeFileSync(tokenFile, 'second\n');
    await poll({ body: teams() });
    assert.equal(asked.at(-1)?.authorization, 'Bearer second');
  });

  it('shows neither a secret nor what it may be tried out with', async () => {
    await poll({ body: teams({ id: 1, org: 'sea', password: 'hunter2hunter2' }) });
    const [change] = store.changesAfter(0, 1);
    assert.doesNotMatch(JSON.stringify(change), /hunter2/);
    assert.match(change?.resourceVersion ?? '', /^poll-[0-9a-f]{16}$/);
  });
});

describe('the mapping of a polled list', () => {
  const mapping = { apiVersion: 'v1', kind: 'Team', items: '', key: ['/id'] };
  const names = (list: Json, more: object = {}) =>
    readPolledList(Buffer.from(JSON.stringify(list)), { ...mapping, ...more }).items.map(({ name }) => name);

  it('follows pointers through names that need escapes, lists and what every object inherits', () => {
    assert.deepEqual(names({ 'a/b': [{ '~x': [{ id: 'deep' }] }] }, { items: '/a~1b/0/~0x' }), ['deep']);
    assert.deepEqual(names([{ id: { n: 7 } }], { key: ['/id/n'] }), ['7']);
    assert.deepEqual(names([{ id: 1 }], { key: ['/constructor/name'] }), []);
  });

  it('joins several parts of a key so that different ones stay different', () => {
    assert.deepEqual(
      names(
        [
          { a: 'x/y', b: 'z' },
          { a: 'x', b: 'y/z' },
        ],
        { key: ['/a', '/b'] },
      ),
      ['x%2Fy/z', 'x/y%2Fz'],
    );
  });
});
