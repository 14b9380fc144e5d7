import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ScrapeCandidate } from '../../src/collector/reconcile/scrape-candidates.ts';
import type { MonitorEndpoint } from '../../src/collector/reconcile/scrape-monitor.ts';
import { decideTargets, type ScrapePolicy } from '../../src/collector/reconcile/scrape-policy.ts';

const METRICS = { file: '/metrics-token' };
const OWN = { file: '/own-token' };
const POLICY: ScrapePolicy = {
  ...{ intervalMs: 30_000, tokenNamespaces: ['ops'], metricsToken: METRICS, ownToken: OWN, ca: undefined, targetsMax: 100 },
};
const candidate = (endpoint: Partial<MonitorEndpoint> = {}, more: Partial<ScrapeCandidate> = {}): ScrapeCandidate => ({
  ...{ address: '10.0.0.1', port: 8443, namespace: 'ops' },
  foundBy: { type: 'ServiceMonitor', namespace: 'ops', name: 'm' },
  endpoint: {
    ...{ port: 'https', targetPort: undefined, path: '/metrics', scheme: 'https', intervalMs: undefined, timeoutMs: undefined },
    ...{ wantsToken: true, insecure: false, serverName: undefined, ca: undefined, refused: undefined },
    ...endpoint,
  },
  ...more,
});
const decide = (
  of: ScrapeCandidate | ScrapeCandidate[],
  policy: Partial<ScrapePolicy> = {},
  cas = new Map<string, string | undefined>(),
) => decideTargets([of].flat(), cas, { ...POLICY, ...policy });
const tokenOf = (...given: Parameters<typeof decide>) => decide(...given).targets[0]?.token;

describe('the token', () => {
  const elsewhere = { type: 'ServiceMonitor' as const, namespace: 'team-x', name: 'm' };
  const cases: [what: string, of: ScrapeCandidate, policy: Partial<ScrapePolicy>, token: { file: string } | undefined][] = [
    ['goes to a page of a namespace that was named', candidate(), {}, METRICS],
    ['goes nowhere unless a namespace is named', candidate(), { tokenNamespaces: [] }, undefined],
    ['stays when the pods are of another namespace', candidate({}, { namespace: 'team-x' }), {}, undefined],
    ['stays when the monitor is of another namespace', candidate({}, { foundBy: elsewhere }), {}, undefined],
    ['stays when nobody asks for one', candidate({ wantsToken: false }), {}, undefined],
    ['stays over plain HTTP', candidate({ scheme: 'http' }), {}, undefined],
    ['for metrics only may go where the certificate is not checked', candidate({ insecure: true }), {}, METRICS],
    ['of our own goes where the certificate is checked', candidate(), { metricsToken: undefined }, OWN],
    ['of our own stays where it is not', candidate({ insecure: true }), { metricsToken: undefined }, undefined],
    ['is none where there is none', candidate(), { metricsToken: undefined, ownToken: undefined }, undefined],
  ];
  for (const [what, of, policy, token] of cases) {
    it(what, () => {
      assert.deepEqual(tokenOf(of, policy), token);
      assert.equal(decide(of, policy).targets.length, 1, 'the page is read all the same');
    });
  }

  it('of two monitors that mean one page, either may bring it', () => {
    const hostile = candidate({}, { foundBy: elsewhere });
    for (const both of [
      [hostile, candidate()],
      [candidate(), hostile],
    ]) {
      const { targets } = decide(both);
      assert.deepEqual(
        targets.map(({ token }) => token),
        [METRICS],
      );
    }
  });

  it('is not led astray by a monitor that means the same page and switches the check off', () => {
    const hostile = candidate({ insecure: true }, { foundBy: elsewhere });
    for (const both of [
      [hostile, candidate()],
      [candidate(), hostile],
    ]) {
      const { targets } = decide(both, { metricsToken: undefined });
      assert.deepEqual(
        targets.map(({ token, tls }) => [token, tls?.insecure]),
        [[OWN, false]],
      );
    }
  });
});

describe('which endpoints are read', () => {
  const addresses = [
    '127.0.0.1',
    '127.8.8.8',
    '169.254.169.254',
    '0.0.0.0',
    '224.0.0.1',
    '::1',
    'fe80::1',
    '::ffff:127.0.0.1',
    'evil.example.net',
    '',
  ];
  for (const address of addresses) {
    it(`not ${JSON.stringify(address)}`, () => {
      const { targets, refusals } = decide(candidate({}, { address }));
      assert.deepEqual(targets, []);
      assert.match(refusals[0]?.what ?? '', /is no address of a pod/);
      assert.equal(refusals[0]?.where, 'ServiceMonitor ops/m');
    });
  }

  it('writes addresses of both families, whatever the path', () => {
    const url = (of: ScrapeCandidate) => decide(of).targets[0]?.url;
    assert.equal(url(candidate({}, { address: 'fd00::7' })), 'https://[fd00::7]:8443/metrics');
    assert.equal(url(candidate({ path: '/federate?match=x' })), 'https://10.0.0.1:8443/federate?match=x');
    assert.equal(url(candidate({ path: '@evil.example.net/' })), 'https://10.0.0.1:8443/@evil.example.net/');
    assert.equal(url(candidate({ path: '//evil.example.net/x#y' })), 'https://10.0.0.1:8443//evil.example.net/x%23y');
  });

  it('nothing in a namespace that is left out', () => {
    const { targets, refusals } = decide(candidate(), { excludedNamespaces: ['ops'] });
    assert.deepEqual([targets, refusals], [[], []]);
  });

  it('asks no more often than it is told, and less often where a monitor says so', () => {
    assert.equal(decide(candidate({ intervalMs: 1_000 })).targets[0]?.intervalMs, 30_000);
    assert.equal(decide(candidate({ intervalMs: 300_000 })).targets[0]?.intervalMs, 300_000);
  });

  it('checks the certificate by the ConfigMap that the monitor names, else by what the administrator gave', () => {
    const ca = { configMap: 'cas', key: 'ca.crt' };
    const read = new Map([['ops/cas/ca.crt', 'PEM']]);
    assert.equal(decide(candidate({ ca }), {}, read).targets[0]?.tls?.ca, 'PEM');
    assert.equal(decide(candidate(), { ca: 'OURS' }).targets[0]?.tls?.ca, 'OURS');
    const { targets, refusals } = decide(candidate({ ca }), {}, new Map([['ops/cas/ca.crt', undefined]]));
    assert.deepEqual(targets, []);
    assert.match(refusals[0]?.what ?? '', /ConfigMap ops\/cas\/ca.crt/);
  });

  it('says how many are beyond the bound, and why others are not read, each once', () => {
    const many = Array.from({ length: 12 }, (_, i) => candidate({}, { address: `10.0.1.${i}` }));
    const needy = candidate({ refused: 'it needs a Secret' });
    const { targets, refusals } = decide([...many, needy, needy], { targetsMax: 10 });
    assert.equal(targets.length, 10);
    assert.deepEqual(
      refusals.map(({ what }) => what),
      ['it needs a Secret', '2 endpoints beyond the first 10 are left out'],
    );
  });
});
