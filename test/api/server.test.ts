import assert from 'node:assert/strict';
import { createServer as createTcpServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Registry } from 'prom-client';
import { createApiServer } from '../../src/api/server.ts';
import { CrowsnestError, isCrowsnestError } from '../../src/domain/errors.ts';
import { type SeededApi, startSeededApi, TOKEN } from '../support/seeded-api.ts';

type Problem = {
  status: number;
  code: string;
  detail: string;
  request_id: string;
  errors?: { in: string; name: string; detail: string }[];
};
type List = { items: { seq: number }[]; metadata: { continue?: string } };

let api: SeededApi;
before(async () => {
  api = await startSeededApi();
});
after(() => api.stop());

async function problem(path: string, headers: Record<string, string> = {}): Promise<Problem> {
  const response = await api.get(path, headers);
  assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8');
  const body = (await response.json()) as Problem;
  assert.equal(body.status, response.status);
  return body;
}

describe('authentication', () => {
  for (const [name, authorization] of [
    ['no header', undefined],
    ['an empty token', 'Bearer '],
    ['a wrong token', 'Bearer wrong-token-of-some-length'],
    ['the beginning of the token', `Bearer ${TOKEN.slice(0, -1)}`],
    ['another scheme', `Basic ${TOKEN}`],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const response = await fetch(`${api.url}/v1/stats`, { headers: authorization === undefined ? {} : { authorization } });
      assert.equal(response.status, 401);
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer /);
      const text = await response.text();
      assert.equal((JSON.parse(text) as Problem).code, 'UNAUTHENTICATED');
      assert.ok(!text.includes(TOKEN));
    });
  }

  it('never takes the token from the query', async () => {
    assert.equal((await fetch(`${api.url}/v1/stats?token=${TOKEN}`)).status, 401);
  });

  it('serves the page, health and the document without one', async () => {
    for (const path of ['/', '/livez', '/readyz', '/openapi.json', '/assets/style.css']) {
      assert.equal((await fetch(`${api.url}${path}`)).status, 200, path);
    }
    assert.equal((await fetch(`${api.url}/metrics`)).status, 401);
  });

  it('gives wrong tokens a small allowance and then says when to come back, while the right one goes on', async () => {
    const own = await startSeededApi();
    try {
      const guess = (i: number) => fetch(`${own.url}/v1/stats`, { headers: { authorization: `Bearer guess-${i}` } });
      for (let i = 0; i < 60; i++) assert.equal((await guess(i)).status, 401);
      const last = await guess(60);
      assert.equal(last.status, 429);
      assert.ok(Number(last.headers.get('retry-after')) > 0);
      assert.equal(((await last.json()) as Problem).code, 'RATE_LIMITED');
      assert.equal((await own.get('/v1/stats')).status, 200);
    } finally {
      await own.stop();
    }
  });

  it('without a token answers local host names only, so that a foreign page cannot reach it by a name of its own', async () => {
    const own = await startSeededApi({ auth: {} });
    try {
      assert.equal((await fetch(`${own.url}/v1/stats`)).status, 200);
      const { port } = new URL(own.url);
      assert.equal(await statusWithHost(Number(port), 'evil.example:80'), 421);
      assert.equal(await statusWithHost(Number(port), `localhost:${port}`), 200);
    } finally {
      await own.stop();
    }
  });
});

function statusWithHost(port: number, host: string): Promise<number> {
  return import('node:http').then(
    ({ get }) =>
      new Promise((resolve, reject) => {
        get({ port, host: '127.0.0.1', path: '/v1/stats', headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        }).on('error', reject);
      }),
  );
}

describe('parameters', () => {
  for (const [path, name] of [
    ['/v1/changes?nmespace=x', 'nmespace'],
    ['/v1/findings?limit=1001', 'limit'],
    ['/v1/findings?limit=1.5', 'limit'],
    ['/v1/findings?score=high', 'score'],
    ['/v1/findings?from=2026-08-01', 'from'],
    ['/v1/changes?kind=a&kind=b', 'kind'],
    ['/v1/changes?type=RENAMED', 'type'],
    ['/v1/changes/1?states=all', 'states'],
    ['/v1/changes?continue=', 'continue'],
    ['/v1/changes?continue=made-up', 'continue'],
    ['/v1/stats?x=1', 'x'],
    ['/v1/changes?limit=1e2', 'limit'],
    ['/v1/changes?limit=0x10', 'limit'],
    ['/v1/changes/0x10', 'seq'],
    ['/v1/findings?score=Infinity', 'score'],
    ['/v1/changes?q=kind:%FF', 'q'],
  ] as const) {
    it(`names what is wrong in ${path}`, async () => {
      const { status, code, errors } = await problem(path);
      assert.equal(status, 400);
      assert.equal(code, 'REQUEST_INVALID');
      assert.deepEqual(
        errors?.map((error) => error.name),
        [name],
      );
      assert.ok((errors?.[0]?.detail.length ?? 0) > 8);
    });
  }

  it('names all of them at once', async () => {
    const { errors } = await problem('/v1/findings?limit=0&severity=bad&wrong=1');
    assert.deepEqual(errors?.map((error) => error.name).sort(), ['limit', 'severity', 'wrong']);
  });

  it('does not take the cursor of one list for another', async () => {
    const { metadata } = (await (await api.get('/v1/findings?limit=1')).json()) as List;
    assert.ok(metadata.continue !== undefined);
    assert.deepEqual(
      (await problem(`/v1/changes?continue=${metadata.continue}`)).errors?.map((error) => error.name),
      ['continue'],
    );
  });

  it('answers a broken URL as a problem and not with a stack', async () => {
    const { status, code } = await problem('/v1/findings/%E0%A4%A');
    assert.deepEqual([status, code], [400, 'REQUEST_INVALID']);
  });
});

describe('lists', () => {
  it('pages through everything, newest first, each once', async () => {
    const seen: number[] = [];
    let position: string | undefined;
    do {
      const list = (await (
        await api.get(`/v1/changes?limit=40${position === undefined ? '' : `&continue=${position}`}`)
      ).json()) as List;
      assert.ok(list.items.length <= 40);
      seen.push(...list.items.map((item) => item.seq));
      position = list.metadata.continue;
    } while (position !== undefined);
    assert.deepEqual(seen, api.changes.map((change) => change.seq).reverse());
  });

  it('exports all of it as NDJSON, or as much as asked for', async () => {
    const lines = async (path: string) => {
      const response = await api.get(path, { accept: 'application/x-ndjson' });
      assert.equal(response.headers.get('content-type'), 'application/x-ndjson');
      return (await response.text()).split('\n').slice(0, -1);
    };
    assert.equal((await lines('/v1/changes')).length, api.changes.length);
    assert.equal((await lines('/v1/changes?limit=7')).length, 7);
    assert.equal((await lines('/v1/findings?verdict=page')).length, 4);
    assert.deepEqual(await lines('/v1/findings?kind=Nothing'), []);
    assert.equal((await problem('/v1/changes?limit=x', { accept: 'application/x-ndjson' })).status, 400);
  });

  it('counts changes per hour and keeps counting as more come', async () => {
    const counts = async () => {
      const answer = (await (await api.get('/v1/activity?from=2026-07-01T00:00:00Z&steps=500')).json()) as { counts: number[] };
      return answer.counts.reduce((sum, count) => sum + count, 0);
    };
    assert.equal(await counts(), api.changes.length);
    assert.equal(await counts(), api.changes.length);
  });
});

describe('changes and states', () => {
  it('shows a change with the states before and after it', async () => {
    const { subject } = api.findings.listener;
    assert.ok(subject.type === 'change');
    const change = (await (await api.get(`/v1/changes/${subject.seq}?states=both`)).json()) as {
      before: { spec: { kafka: { replicas: number } } };
      after: { spec: { kafka: { replicas: number } } };
      diff: { path: string }[];
    };
    assert.equal(change.before.spec.kafka.replicas, 3);
    assert.equal(change.after.spec.kafka.replicas, 2);
    assert.ok(change.diff.some((field) => field.path === '/spec/kafka/replicas'));
    const first = (await (await api.get('/v1/changes/1?states=both')).json()) as Record<string, unknown>;
    assert.ok('after' in first && !('before' in first));
  });

  it('shows who it was as known now, the claims that say so, and what keeps the object', async () => {
    const { subject, id } = api.findings.listener;
    assert.ok(subject.type === 'change');
    const { seq } = subject;
    const before = api.store.attribution(seq);
    assert.ok(before !== undefined);
    const actor = { name: 'alice', source: 'audit' as const, confidence: 0.98 };
    const user = { name: 'alice', sourceIPs: ['192.0.2.7'] };
    const evidence = [{ source: 'audit' as const, id: 'a-1', atMs: 7, match: 'version' as const, user }];
    const attribution = { actor, candidates: [actor, ...before.candidates], evidence };
    api.store.append({ changes: [], amendments: [{ seq, knownMs: 1, attribution }] });
    const change = (await (await api.get(`/v1/changes/${seq}`)).json()) as Record<string, unknown>;
    assert.deepEqual(change.actor, actor);
    assert.deepEqual(change.evidence, [{ source: 'audit', id: 'a-1', time: '1970-01-01T00:00:00.007Z', match: 'version', user }]);
    const finding = (await (await api.get(`/v1/findings/${id}`)).json()) as { actor: unknown; candidates: unknown[] };
    assert.deepEqual(finding.actor, actor);
    assert.deepEqual(finding.candidates[0], actor);
    assert.notEqual(api.store.finding(id)?.actor.name, 'alice', 'what was judged stays as it was');
    const listed = (await (await api.get('/v1/findings?limit=1000')).json()) as { items: { id: string; actor: unknown }[] };
    assert.deepEqual(listed.items.find((item) => item.id === id)?.actor, actor);
    api.store.append({ changes: [], amendments: [{ seq, knownMs: 2, attribution: before }] });
  });

  it('shows an object as it was', async () => {
    const state = async (at: string) =>
      (await (await api.get(`/v1/objects/prod-eu/kafka.strimzi.io/Kafka/streaming/orders/state?at=${at}`)).json()) as {
        state: { spec: { kafka: { replicas: number } } };
      };
    assert.equal((await state('2026-08-21T14:00:00Z')).state.spec.kafka.replicas, 3);
    assert.equal((await state('2026-08-21T14:20:00Z')).state.spec.kafka.replicas, 2);
  });
});

describe('every answer', () => {
  it('carries the request id and trace of the caller, or an id of its own', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const given = await api.get('/v1/stats', { 'x-request-id': 'abc-123', traceparent });
    assert.equal(given.headers.get('x-request-id'), 'abc-123');
    assert.equal(given.headers.get('traceparent'), traceparent);
    const unfit = await api.get('/v1/nothing', { 'x-request-id': 'a b"c', traceparent: 'nonsense' });
    assert.match(unfit.headers.get('x-request-id') ?? '', /^[\da-f-]{36}$/);
    assert.equal(unfit.headers.get('traceparent'), null);
    assert.equal(((await unfit.json()) as Problem).request_id, unfit.headers.get('x-request-id'));
  });

  it('is not stored by caches and comes with a strict policy', async () => {
    for (const path of ['/v1/stats', '/v1/findings/none', '/openapi.json']) {
      assert.equal((await api.get(path)).headers.get('cache-control'), 'no-store', path);
    }
    const policy = (await fetch(`${api.url}/`)).headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self' 'sha256-[^']+'(;|$)/);
    assert.ok(!policy.includes('unsafe'));
  });

  it('leaves its connection open for longer than a proxy rests its own, so that none sends into a closed one', async () => {
    const seconds = Number(/timeout=(\d+)/.exec((await fetch(`${api.url}/livez`)).headers.get('keep-alive') ?? '')?.[1]);
    assert.ok(seconds > 60, `${seconds} s`);
  });

  it('to another method is 405 with Allow, to an unknown path 404', async () => {
    const post = await fetch(`${api.url}/v1/findings`, { method: 'POST' });
    assert.equal(post.status, 405);
    assert.equal(post.headers.get('allow'), 'GET, HEAD');
    assert.equal((await problem('/v2/findings')).code, 'NOT_FOUND');
    assert.equal((await fetch(`${api.url}/assets/../package.json`)).status, 404);
    assert.equal((await fetch(`${api.url}/assets/src/api/server.ts`)).status, 404);
  });

  it('of a failure of ours hides what failed and logs it under the request id', async () => {
    const logged: unknown[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (...args: unknown[]) => logged.push(args) };
    const own = await startSeededApi({
      logger: logger as never,
      coverage: () => {
        throw new Error('secret detail');
      },
    });
    try {
      const response = await own.get('/v1/coverage', { 'x-request-id': 'the-one' });
      const text = await response.text();
      assert.equal(response.status, 500);
      assert.ok(!text.includes('secret detail'));
      assert.match(JSON.stringify(logged), /the-one.*secret detail/);
    } finally {
      await own.stop();
    }
  });

  it('while the store cannot be read says 503 and when to try again', async () => {
    const own = await startSeededApi({
      coverage: () => {
        throw new CrowsnestError({ code: 'STORE_LOCKED', what: 'The database is locked' });
      },
    });
    try {
      const response = await own.get('/v1/coverage');
      assert.equal(response.status, 503);
      assert.equal(response.headers.get('retry-after'), '5');
    } finally {
      await own.stop();
    }
  });
});

describe('health and metrics', () => {
  it('turns 503 with the failing checks named, and still lives', async () => {
    const own = await startSeededApi({
      health: () => ({ live: true, ready: false, checks: [{ name: 'watch kafkas', ok: false, detail: 'no event for 9 min' }] }),
    });
    try {
      assert.equal((await fetch(`${own.url}/livez`)).status, 200);
      const brief = (await (await fetch(`${own.url}/readyz`)).json()) as { checks?: unknown; detail: string };
      assert.equal(brief.checks, undefined);
      assert.match(brief.detail, /watch kafkas/);
      const verbose = await fetch(`${own.url}/readyz?verbose`);
      assert.equal(verbose.status, 503);
      assert.match(await verbose.text(), /no event for 9 min/);
    } finally {
      await own.stop();
    }
  });

  it('counts requests by route, never by object', async () => {
    await (await api.get('/v1/objects/prod-eu/kafka.strimzi.io/Kafka/streaming/orders')).text();
    const text = await (await api.get('/metrics')).text();
    assert.match(text, /crowsnest_http_requests_total\{route="\/v1\/objects\/\{cluster\}[^"]*",code="2xx"\} [1-9]/);
    assert.match(text, /crowsnest_http_requests_total\{route="\/v1\/series",code="5xx"\} 0/);
    assert.ok(!text.includes('orders'));
  });
});

describe('listening', () => {
  const refuses = (code: 'LISTEN_UNSAFE' | 'LISTEN_FAILED' | 'CONFIG_UNREADABLE', what: RegExp) => (error: unknown) =>
    isCrowsnestError(error, code) && what.test(error.message);

  async function listen(host: string, port: number, more: Partial<Parameters<typeof createApiServer>[0]>): Promise<void> {
    const own = await startSeededApi();
    await own.server.close();
    const server = createApiServer({ ...own.options, registry: new Registry(), ...more });
    try {
      await server.listen(host, port);
    } finally {
      await server.close();
      own.store.close();
    }
  }

  for (const [host, more, missing] of [
    ['0.0.0.0', { auth: {} }, /TLS and a token/],
    ['0.0.0.0', { auth: { token: TOKEN } }, /without TLS/],
    ['::', { auth: { token: TOKEN } }, /without TLS/],
    ['crowsnest.example', { auth: {}, tls: { certFile: 'c', keyFile: 'k' } }, /without a token/],
    ['127.0.0.1.example', { auth: {} }, /TLS and a token/],
    ['127.0.0.1', { auth: { token: 'short' } }, /shorter than 16/],
  ] as const) {
    it(`refuses ${host} ${JSON.stringify(more)}`, () => assert.rejects(listen(host, 0, more), refuses('LISTEN_UNSAFE', missing)));
  }

  it('says which TLS file cannot be read', () =>
    assert.rejects(
      listen('0.0.0.0', 0, { auth: { token: TOKEN }, tls: { certFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' } }),
      refuses('CONFIG_UNREADABLE', /\/nowhere\/tls\.crt/),
    ));

  it('says that the port is taken and what to do', async () => {
    const holder = createTcpServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port));
    });
    try {
      await assert.rejects(listen('127.0.0.1', port, {}), refuses('LISTEN_FAILED', new RegExp(`127.0.0.1:${port}.*--port`)));
    } finally {
      holder.close();
    }
  });
});
