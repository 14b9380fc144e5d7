import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FakeAlertmanager } from '../respond/fake-alertmanager.ts';
import { type FakeApiServer, type FakeKind, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { get, listening, type Running, start, temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const KAFKA: FakeKind = { group: 'kafka.strimzi.io', version: 'v1', kind: 'Kafka', plural: 'kafkas', namespaced: true };

/** Scaling any Kafka to nothing pages, whatever is learnt; with a budget that three of them do not use up. */
const CONFIG = `pagesPerWeek: 50
rules:
  - name: kafka-stopped
    kind: Kafka
    path: /spec/replicas
    op: set
    value: ^0$
    message: a Kafka cluster was scaled to nothing
`;

describe('serve with two Alertmanagers', () => {
  const one = new FakeAlertmanager();
  const two = new FakeAlertmanager();
  let api: FakeApiServer;
  let serve: Running;
  let url: string;
  const apply = (name: string, replicas: number, manager = 'ann') =>
    api.apply(
      { apiVersion: 'kafka.strimzi.io/v1', kind: 'Kafka', metadata: { namespace: 'streaming', name }, spec: { replicas } },
      { manager },
    );
  const pages = async () => (await get<{ pages: number }>(url, '/v1/stats')).pages;

  before(async () => {
    api = await startFakeApiServer({ kinds: [KAFKA] });
    for (const name of ['orders', 'mail', 'audit']) apply(name, 3);
    writeFileSync(at('kubeconfig'), api.kubeconfig());
    writeFileSync(at('rules.yaml'), CONFIG);
    await one.start();
    await one.stop();
    await two.start();
    two.fault = 'error';
    serve = start([
      ...['serve', '--kubeconfig', at('kubeconfig'), '--config', at('rules.yaml'), '--db', at('alerts.db'), '--port', '0'],
      ...['--alertmanager', one.url, '--alertmanager', two.url],
    ]);
    url = await listening(serve);
    await until('the kind is watched', () => api.openWatches('kafkas') > 0);
  });
  after(async () => {
    await serve.end('SIGKILL');
    await api.close();
    await two.stop();
    await one.stop();
  });

  it('keeps an alert while one refuses connections and the other answers 500, and goes on recording', async () => {
    apply('orders', 0);
    await until('the other one was asked', () => two.posts.some(({ status }) => status === 500));
    assert.equal(await pages(), 1);
    apply('mail', 4);
    await until('changes are recorded', async () => (await get<{ changes: number }>(url, '/v1/stats')).changes === 5);
    assert.equal(two.held.size + one.held.size, 0);
    assert.match(serve.err, /ALERTMANAGER_UNREACHABLE/);
    assert.equal(serve.child.exitCode, null);
  });

  it('delivers it to each of them when it is back', async () => {
    two.fault = 'none';
    await until('it arrived at the one that failed', () => two.held.has('orders'));
    await one.start();
    await until('it arrived at the one that was down', () => one.held.has('orders'));
    const alert = one.held.get('orders');
    assert.equal(alert?.labels.kind, 'Kafka');
    assert.equal(alert?.labels.namespace, 'streaming');
    assert.match(JSON.stringify(alert?.annotations), /scaled to nothing/);
    assert.ok(Date.parse(alert?.endsAt ?? '') > Date.parse(alert?.startsAt ?? ''), 'it fires');
  });

  it('is not held up by an alert that is answered with 400', async () => {
    two.invalid.add('mail');
    // What one actor does to several objects at once is one episode, so these are others.
    apply('mail', 0, 'bob');
    await until('it was refused', () => two.posts.some(({ status }) => status === 400));
    apply('audit', 0, 'carol');
    await until('the next one arrived', () => two.held.has('audit'));
    await until('the other has both', () => one.held.has('mail') && one.held.has('audit'));
    await until('it is said', () => /ALERTMANAGER_REJECTED/.test(serve.err));
  });

  it('ends within 3 s while an Alertmanager hangs', async () => {
    two.fault = 'hang';
    apply('orders', 3);
    apply('orders', 0);
    const { code, tookMs, err } = await serve.end();
    assert.equal(code, 0, err);
    assert.ok(tookMs < 3_000, `${tookMs} ms`);
    assert.doesNotMatch(err, /INTERNAL|unexpectedly/);
  });
});
