import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { type FakeApiServer, type FakeKind, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { crowsnest, get, listening, type Running, start, TOKEN, temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const WIDGET: FakeKind = { group: 'test.dev', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };
const SECRETIVE: FakeKind = { group: 'test.dev', version: 'v1', kind: 'Vault', plural: 'vaults', namespaced: true };
const widget = (name: string, spec: Record<string, unknown>) => ({
  apiVersion: 'test.dev/v1',
  kind: 'Widget',
  metadata: { namespace: 'team-a', name },
  spec,
});

interface Coverage {
  kind: string;
  state: string;
  reason?: string;
  objects: number;
}

describe('serve', () => {
  let api: FakeApiServer;
  let port: number;
  let serve: Running;
  let url: string;
  const coverageOf = async (kind: string) =>
    (await get<{ items: Coverage[] }>(url, '/v1/coverage')).items.find((row) => row.kind === kind);
  const namesOf = async () =>
    (await get<{ items: { ref: { name: string } }[] }>(url, '/v1/objects?kind=Widget')).items.map(({ ref }) => ref.name).sort();

  before(async () => {
    // Takes a port and frees it: an address where nothing listens for now.
    api = await startFakeApiServer({ kinds: [WIDGET, SECRETIVE] });
    port = Number(new URL(api.url).port);
    writeFileSync(at('kubeconfig'), api.kubeconfig());
    await api.close();
    serve = start(['serve', '--kubeconfig', at('kubeconfig'), '--db', at('serve.db'), '--port', '0']);
    url = await listening(serve);
  });
  after(async () => {
    await serve.end('SIGKILL');
    await api.close();
  });

  it('with a cluster that does not answer says once where and what to check, and its API answers', async () => {
    const line = new RegExp(`CLUSTER_UNREACHABLE: .*nothing listens there \\(127\\.0\\.0\\.1:${port}\\)\\. Check`, 'g');
    await until('it says so', () => (serve.err.match(line)?.length ?? 0) >= 1);
    assert.equal(serve.child.exitCode, null);
    assert.equal((await get<{ changes: number }>(url, '/v1/stats')).changes, 0);
    assert.equal((await fetch(`${url}/livez`)).status, 200);
    const ready = await fetch(`${url}/readyz?verbose=true`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /the cluster is not reached: CLUSTER_UNREACHABLE: .*nothing listens there/);
    const { clusters } = await get<{ clusters: { state: string }[] }>(url, '/v1/coverage');
    assert.equal(clusters[0]?.state, 'unreachable');
  });

  it('comes alive when the cluster does, without a restart', async () => {
    api = await startFakeApiServer({ kinds: [WIDGET, SECRETIVE], port });
    api.faults.forbid('vaults');
    api.apply(widget('first', { size: 1 }));
    await until('widgets are watched', async () => (await coverageOf('Widget'))?.state === 'watched');
    assert.deepEqual(await namesOf(), ['first']);
  });

  it('watches a network in the shadow, starts no thread for it while there is nothing to learn', async () => {
    interface Neural {
      mode: string;
      promoted: boolean;
      running: boolean;
      versions: unknown[];
      standing: { why: string };
    }
    const neural = await get<Neural>(url, '/v1/model/neural');
    assert.deepEqual([neural.mode, neural.promoted, neural.running, neural.versions], ['shadow', false, false, []]);
    assert.match(neural.standing.why, /0 of 3 trainings/);
    assert.match(
      await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text(),
      /^crowsnest_neural_version 0$/m,
    );
  });

  it('shows a forbidden kind with the rule to add, and goes on with the others', async () => {
    const row = await until('it is known', async () => {
      const vault = await coverageOf('Vault');
      return vault?.state === 'forbidden' && vault;
    });
    assert.match(row.reason ?? '', /apiGroups: \["test\.dev"\], resources: \["vaults"\], verbs: \["get", "list", "watch"\]/);
    api.apply(widget('second', { size: 1 }));
    await until('the other kind is recorded', async () => (await namesOf()).includes('second'));
  });

  it('tells where a compaction cut the history: in coverage, as a gap of the kind and of each object, and as a metric', async () => {
    const before = (await get<{ items: { name: string }[] }>(url, '/v1/gaps?kind=Widget')).items.length;
    api.faults.down();
    api.apply(widget('moved-unseen', { size: 1 }));
    api.apply(widget('moved-unseen', { size: 2 }));
    api.compact();
    api.faults.up();
    const gaps = await until('the gap', async () => {
      const { items } = await get<{ items: { name: string; objects: number; reason: string; generationsSkipped: number }[] }>(
        url,
        '/v1/gaps?kind=Widget',
      );
      return items.length > before + 1 ? items : undefined;
    });
    const [kind, object] = [gaps.find(({ name }) => name === ''), gaps.find(({ name }) => name === 'moved-unseen')];
    assert.deepEqual([kind?.reason, object?.reason, object?.generationsSkipped], ['compacted', 'compacted', 1]);
    await until('coverage tells it', async () => {
      const row = (await get<{ items: { kind: string; gaps: number; epoch: number }[] }>(url, '/v1/coverage')).items.find(
        (one) => one.kind === 'Widget',
      );
      return row !== undefined && row.gaps >= 1 && row.epoch === 1;
    });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const metrics = await (await fetch(`${url}/metrics`, { headers })).text();
    assert.match(metrics, /crowsnest_watch_gaps_total\{.*kind="Widget",reason="compacted"\} [1-9]/);
    assert.match(metrics, /crowsnest_ingest_observations_total\{result="change"\} [1-9]/);
  });

  it('records an object of 2 MB among others', async () => {
    api.apply(widget('huge', { blob: 'x'.repeat(2_000_000) }));
    api.apply(widget('third', { size: 1 }));
    await until('the one after it is recorded', async () => (await namesOf()).includes('third'));
    assert.ok((await namesOf()).includes('huge'));
  });

  it('counts what is no object, by reference, and records what comes after it', async () => {
    await until('widgets are watched', () => api.openWatches('widgets') > 0);
    const nameless = {
      apiVersion: 'test.dev/v1',
      kind: 'Widget',
      metadata: { name: 'no-uid', namespace: 'team-a', resourceVersion: '1' },
    };
    api.faults.raw(`${JSON.stringify({ type: 'ADDED', object: nameless })}\n`, 'widgets');
    api.faults.raw(Buffer.from('{"type":"ADDED","object":{"kind":"\xff\xfe"}}\n', 'latin1'), 'widgets');
    api.apply(widget('fourth', { size: 1 }));
    await until('the one after them is recorded', async () => (await namesOf()).includes('fourth'));
    const { rejects } = await get<{ rejects: number }>(url, '/v1/stats');
    assert.equal(rejects, 2);
    assert.match(serve.err, /OBJECT_INVALID.*Widget\.test\.dev team-a\/no-uid.*metadata\.uid is missing/);
    assert.match(serve.err, /OBJECT_INVALID.*not valid UTF-8/);
    assert.doesNotMatch(serve.err, /xxxxx/, 'no object in the log');
  });

  it('goes on through a cut of the API server, and tells ready from not ready', async () => {
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    api.faults.cut();
    api.apply(widget('fifth', { size: 1 }));
    await until('it is recorded', async () => (await namesOf()).includes('fifth'));
  });

  it('ends within 3 s on SIGTERM with 0 and without a complaint; the database opens with all of it', async () => {
    const { code, tookMs, err } = await serve.end();
    assert.equal(code, 0, err);
    assert.ok(tookMs < 3_000, `${tookMs} ms`);
    assert.doesNotMatch(err, /"level":50|INTERNAL/);
    const store = openSqliteStore({ file: at('serve.db'), logger: createLogger('silent') });
    try {
      assert.equal(store.counts().objects, 7);
    } finally {
      store.close();
    }
  });

  it('started again records nothing twice', async () => {
    const changes = () => get<{ changes: number }>(url, '/v1/stats').then((stats) => stats.changes);
    serve = start(['serve', '--kubeconfig', at('kubeconfig'), '--db', at('serve.db'), '--port', '0']);
    url = await listening(serve);
    const stored = await changes();
    await until('widgets are watched', async () => (await coverageOf('Widget'))?.state === 'watched');
    api.apply(widget('sixth', { size: 1 }));
    await until('it is recorded', async () => (await namesOf()).includes('sixth'));
    assert.equal(await changes(), stored + 1);
    assert.equal((await serve.end()).code, 0);
  });

  it('refuses a kubeconfig that is no YAML, and a context it does not have', async () => {
    writeFileSync(at('broken'), 'clusters: [\n');
    const broken = await crowsnest(['serve', '--kubeconfig', at('broken'), '--db', at('never.db')]);
    assert.equal(broken.code, 1);
    assert.match(broken.err, /^crowsnest: KUBECONFIG_INVALID: .*\(\S*broken\)\. Check/s);
    const context = await crowsnest(['serve', '--kubeconfig', at('kubeconfig'), '--context', 'prod', '--db', at('never.db')]);
    assert.equal(context.code, 1);
    assert.match(
      context.err,
      /^crowsnest: KUBECONFIG_INVALID: there is no context "prod" \(\S*kubeconfig\)\. Choose one of: fake\.$/m,
    );
  });
});
