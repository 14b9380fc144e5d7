import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createKindPlanner, type KindSelection } from '../../src/collector/watch/kind-plan.ts';
import { LOW_VALUE_KINDS } from '../../src/collector/watch/low-value-kinds.ts';
import type { ResourceKind } from '../../src/kube/discovery.ts';

const kindOf = (group: string, kind: string, namespaced = true): ResourceKind => {
  return { group, version: 'v1', kind, plural: `${kind.toLowerCase()}s`, namespaced };
};
const KINDS = {
  kafka: kindOf('kafka.strimzi.io', 'Kafka'),
  issuer: kindOf('cert-manager.io', 'ClusterIssuer', false),
  usage: kindOf('aws.upbound.io', 'ProviderConfigUsage', false),
  endpoint: kindOf('cilium.io', 'CiliumEndpoint'),
  policy: kindOf('cilium.io', 'CiliumNetworkPolicy'),
  deployment: kindOf('apps', 'Deployment'),
};
const plan = (selection: KindSelection, ...kinds: ResourceKind[]) => createKindPlanner(selection)(kinds);

describe('which kinds are watched', () => {
  const table: [string, KindSelection, ResourceKind, true | RegExp][] = [
    ['custom kinds by themselves', {}, KINDS.kafka, true],
    ['what is included', { include: ['*.strimzi.io'] }, KINDS.kafka, true],
    ['nothing beside what is included', { include: ['*.strimzi.io'] }, KINDS.issuer, /not among what --include names/],
    ['nothing that is excluded', { exclude: ['kafkas.*'] }, KINDS.kafka, /left out by --exclude/],
    ['what is excluded not even if included', { include: ['*'], exclude: ['kafkas.*'] }, KINDS.kafka, /--exclude/],
    ['kinds of low value not', {}, KINDS.usage, /low value \(Crossplane counts .*--include it/],
    ['their neighbours in the group do', {}, KINDS.policy, true],
    ['kinds of low value if included', { include: ['*.cilium.io'] }, KINDS.endpoint, true],
    ['cluster-scoped kinds not where only namespaces are watched', { namespaces: ['a'] }, KINDS.issuer, /cluster-scoped/],
    [
      'core kinds asked for, whatever is included',
      { include: ['*.strimzi.io'], coreKinds: ['deployments.apps'] },
      KINDS.deployment,
      true,
    ],
  ];
  for (const [what, selection, kind, expected] of table) {
    it(what, () => {
      const { watch, leftOut } = plan(selection, kind);
      if (expected === true) assert.deepEqual([watch.length, leftOut], [1, []]);
      else assert.match(leftOut[0]?.reason ?? `watched: ${watch[0]?.kind}`, expected);
    });
  }

  it('gives a reason for every kind of low value, and takes no whole group of an operator by its name alone', () => {
    for (const { pattern, why } of LOW_VALUE_KINDS) {
      assert.ok(why.length > 10, pattern);
      assert.match(pattern, /^(\*?[a-z]+\.|\*\.[a-z0-9-]+\.)/, pattern);
    }
    assert.equal(new Set(LOW_VALUE_KINDS.map(({ pattern }) => pattern)).size, LOW_VALUE_KINDS.length);
  });
});

describe('how kinds are watched', () => {
  it('adds up the selectors that apply to a kind', () => {
    const selection = {
      labelSelectors: ['team=a', 'Kafka.*: tier in (gold, silver)', 'Issuer.*: x=y'],
      fieldSelectors: ['metadata.name!=scratch'],
      excludeNamespaces: ['kube-system', 'lab'],
    };
    const { watch } = plan(selection, KINDS.kafka, KINDS.issuer);
    assert.deepEqual(
      watch.map(({ labelSelector, fieldSelector }) => ({ labelSelector, fieldSelector })),
      [
        {
          labelSelector: 'team=a,tier in (gold, silver)',
          fieldSelector: 'metadata.name!=scratch,metadata.namespace!=kube-system,metadata.namespace!=lab',
        },
        // A cluster-scoped kind has no namespace to be left out by.
        { labelSelector: 'team=a', fieldSelector: 'metadata.name!=scratch' },
      ],
    );
  });

  it('asks for metadata only where a pattern says so', () => {
    const { watch } = plan({ metadataOnly: ['*.cert-manager.io'] }, KINDS.kafka, KINDS.issuer);
    assert.deepEqual(
      watch.map(({ kind, metadataOnly }) => [kind, metadataOnly]),
      [
        ['Kafka', undefined],
        ['ClusterIssuer', true],
      ],
    );
  });

  it('refuses Secrets under every name', () => {
    for (const name of ['secrets', 'Secrets', '*'])
      assert.throws(() => createKindPlanner({ coreKinds: [name] }), /refused: .*Secrets/);
  });
});
