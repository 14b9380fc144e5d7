import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectClusters, withOptions } from '../../src/commands/clusters.ts';
import { parseOptions } from '../../src/options.ts';

const EAST_WEST = [{ cluster: 'east' }, { cluster: 'west' }];
const given = (flags: Record<string, unknown>) => parseOptions({ command: 'serve', flags, environment: {} });

test('what is given by cluster goes to that cluster, and all else to the first', () => {
  const options = given({
    metricsTarget: ['http://one:8080/metrics?name=a', 'west=https://two/metrics', 'east=http://three/metrics'],
    auditLog: ['/var/log/audit=1.log', 'west=/var/log/west.log', './west=odd.log'],
    admission: ['0.0.0.0:9443', 'west=0.0.0.0:9444'],
    admissionUrl: ['https://look-out', 'west=https://look-out:9444'],
    prometheusUrl: 'http://prometheus:9090',
  });
  const [east, west] = withOptions(EAST_WEST, options).map((each) => each.options);
  assert.deepEqual(east?.metricsTarget, ['http://one:8080/metrics?name=a', 'http://three/metrics']);
  assert.deepEqual(west?.metricsTarget, ['https://two/metrics']);
  assert.deepEqual(east?.auditLog, ['/var/log/audit=1.log', './west=odd.log']);
  assert.deepEqual(west?.auditLog, ['/var/log/west.log']);
  assert.deepEqual([east?.admission, east?.admissionUrl], [['0.0.0.0:9443'], ['https://look-out']]);
  assert.deepEqual([west?.admission, west?.admissionUrl], [['0.0.0.0:9444'], ['https://look-out:9444']]);
  assert.equal(east?.prometheusUrl, 'http://prometheus:9090');
  assert.equal(west?.prometheusUrl, undefined);
});

test('names with slashes, colons and more are told by the clusters there are', () => {
  const prod = 'arn:aws:eks:eu-west-1:123456789012:cluster/prod';
  const options = given({
    allow: ['admission-webhook'],
    admission: [`${prod}=0.0.0.0:9443`],
    admissionUrl: [`${prod}=https://look-out`],
    metricsTarget: [`${prod}=http://two/metrics?x=1`],
    auditLog: [`${prod}=/var/log/a=b.log`],
  });
  const [east, other] = withOptions([{ cluster: 'east' }, { cluster: prod }], options).map((each) => each.options);
  assert.deepEqual([east?.admission, east?.auditLog, east?.metricsTarget], [[], [], []]);
  assert.deepEqual([other?.admission, other?.admissionUrl], [['0.0.0.0:9443'], ['https://look-out']]);
  assert.deepEqual([other?.auditLog, other?.metricsTarget], [['/var/log/a=b.log'], ['http://two/metrics?x=1']]);
});

test('a name that no cluster has is refused', () => {
  assert.throws(() => withOptions(EAST_WEST, given({ metricsTarget: ['wset=http://two/metrics'] })), {
    code: 'CONFIG_BAD_VALUE',
    message: /no watched cluster is called "wset"; there is east, west/,
  });
});

test('one process reads the kubeconfig for all clusters, which come in the order given', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-clusters-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const kubeconfig = join(folder, 'kubeconfig');
  const names = ['north', 'east', 'west'];
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'east', users: [{ name: 'me', user: { token: 'a-token' } }] },
    clusters: names.map((name) => ({ name, cluster: { server: `https://${name}.example:6443` } })),
    contexts: names.map((name) => ({ name: `to-${name}`, context: { cluster: name, user: 'me' } })),
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  let processes = 0;
  const count = () => void processes++;
  subscribe('child_process', count);
  t.after(() => unsubscribe('child_process', count));
  const clients = await connectClusters(given({ kubeconfig, context: ['to-west', 'to-north=n', 'to-east'] }));
  assert.deepEqual(
    clients.map(({ cluster }) => cluster),
    ['west', 'n', 'east'],
  );
  assert.equal(processes, 1);
  const wrong = given({ kubeconfig, context: ['to-west', 'to-nowhere'] });
  await assert.rejects(connectClusters(wrong), { code: 'KUBECONFIG_INVALID', message: /to-nowhere/ });
});
