import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionsByCluster } from '../../src/commands/clusters.ts';
import { parseOptions } from '../../src/options.ts';

const given = (flags: Record<string, unknown>) => parseOptions({ command: 'serve', flags, environment: {} });

test('what is given by cluster goes to that cluster, and all else to the first', () => {
  const options = given({
    metricsTarget: ['http://one:8080/metrics?name=a', 'west=https://two/metrics', 'east=http://three/metrics'],
    auditLog: ['/var/log/audit=1.log', 'west=/var/log/west.log', './west=odd.log'],
    prometheusUrl: 'http://prometheus:9090',
  });
  const [east, west] = optionsByCluster(options, ['east', 'west']);
  assert.deepEqual(east?.metricsTarget, ['http://one:8080/metrics?name=a', 'http://three/metrics']);
  assert.deepEqual(west?.metricsTarget, ['https://two/metrics']);
  assert.deepEqual(east?.auditLog, ['/var/log/audit=1.log', './west=odd.log']);
  assert.deepEqual(west?.auditLog, ['/var/log/west.log']);
  assert.equal(east?.prometheusUrl, 'http://prometheus:9090');
  assert.equal(west?.prometheusUrl, undefined);
});

test('a name that no cluster has is refused', () => {
  assert.throws(() => optionsByCluster(given({ metricsTarget: ['wset=http://two/metrics'] }), ['east', 'west']), {
    code: 'CONFIG_BAD_VALUE',
    message: /no watched cluster is called "wset"; there is east, west/,
  });
});
