import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { leastRoles, type RbacRole, type RbacSettings } from '../../src/kube/rbac-rules.ts';
import { parseSubject, rbacYaml } from '../../src/kube/rbac-yaml.ts';

const kindOf = (group: string, kind: string, namespaced = true) => {
  return { group, version: 'v1', kind, plural: `${kind.toLowerCase()}s`, namespaced };
};
const KAFKA = kindOf('kafka.strimzi.io', 'Kafka');
const TOPIC = kindOf('kafka.strimzi.io', 'KafkaTopic');
const DEPLOYMENT = kindOf('apps', 'Deployment');
const BARE: RbacSettings = { kinds: [], kubeEvents: false, metricsPages: false, writeEvents: false, annotate: [] };
const NAMESPACES = ['team-a', 'team-b'];

/** `reader@team-a: get,list,watch kafka.strimzi.io/kafkas`, one for each rule and resource. */
function told(roles: readonly RbacRole[]): string[] {
  return roles.flatMap(({ kind, name, namespace, rules }) =>
    rules.flatMap(({ apiGroups = [], resources = [], resourceNames, nonResourceURLs = [], verbs }) => {
      const names = resourceNames === undefined ? '' : ` ${resourceNames.join(',')}`;
      const objects = [...resources.map((resource) => `${apiGroups.join(',')}/${resource}${names}`), ...nonResourceURLs];
      const place = kind === 'Role' ? namespace : 'cluster';
      return objects.map((object) => `${name.replace('crowsnest-least-', '')}@${place}: ${verbs.join(',')} ${object}`);
    }),
  );
}

describe('least roles', () => {
  const crds = 'reader@cluster: watch apiextensions.k8s.io/customresourcedefinitions';
  const table: [string, Partial<RbacSettings>, string[]][] = [
    ['nothing but new kinds where nothing is watched', {}, [crds]],
    [
      'one rule for the kinds of a group, core kinds by the same',
      { kinds: [KAFKA, DEPLOYMENT, TOPIC] },
      [
        crds,
        'reader@cluster: get,list,watch apps/deployments',
        'reader@cluster: get,list,watch kafka.strimzi.io/kafkas',
        'reader@cluster: get,list,watch kafka.strimzi.io/kafkatopics',
      ],
    ],
    [
      'Roles and no ClusterRole for namespaces',
      { kinds: [KAFKA], namespaces: NAMESPACES, kubeEvents: true, metricsPages: true },
      NAMESPACES.flatMap((name) => [
        `reader@${name}: get,list,watch kafka.strimzi.io/kafkas`,
        `reader@${name}: get,list,watch events.k8s.io/events`,
      ]),
    ],
    [
      'Events and metrics pages that are read',
      { kubeEvents: true, metricsPages: true },
      [crds, 'reader@cluster: get,list,watch events.k8s.io/events', 'reader@cluster: get /metrics'],
    ],
    [
      'writes in a role of their own',
      { kinds: [KAFKA, TOPIC], writeEvents: true, annotate: ['Kafka'], namespaces: ['team-a'] },
      [
        'reader@team-a: get,list,watch kafka.strimzi.io/kafkas',
        'reader@team-a: get,list,watch kafka.strimzi.io/kafkatopics',
        'writer@team-a: create events.k8s.io/events',
        'writer@team-a: patch kafka.strimzi.io/kafkas',
      ],
    ],
    [
      'one webhook configuration by name, to be asked before writes',
      { admission: true },
      [
        crds,
        'writer@cluster: create,patch,delete admissionregistration.k8s.io/validatingwebhookconfigurations crowsnest-admission',
      ],
    ],
    [
      'one lease in one namespace for the canary',
      { canary: 'crowsnest' },
      [
        crds,
        'reader@crowsnest: get,list,watch coordination.k8s.io/leases crowsnest-canary',
        'writer@crowsnest: create,patch coordination.k8s.io/leases crowsnest-canary',
      ],
    ],
  ];
  for (const [what, settings, expected] of table) {
    it(what, () => assert.deepEqual(told(leastRoles({ ...BARE, ...settings }).roles), expected));
  }

  it('annotates by kind, and by kind and group', () => {
    const patched = (name: string) =>
      told(leastRoles({ ...BARE, kinds: [KAFKA], annotate: [name] }).roles).filter((line) => /patch/.test(line));
    assert.equal(patched('Kafka.kafka.strimzi.io').length, 1);
    assert.equal(patched('Kafka.other.dev').length, 0);
  });

  it('lists what discovery of metrics looks at, and no more', () => {
    const metricsDiscovery = [{ group: '', plural: 'services' }];
    const [role] = leastRoles({ ...BARE, namespaces: ['a'], metricsDiscovery }).roles;
    assert.deepEqual(
      role?.rules.map(({ apiGroups, resources, verbs }) => [apiGroups, resources, verbs]),
      [[[''], ['services'], ['list']]],
    );
  });

  it('says what it cannot give', () => {
    const { notes } = leastRoles({ ...BARE, namespaces: ['a'], metricsPages: true, annotate: ['Ghost'] });
    assert.match(notes[0] ?? '', /nonResourceURLs/);
    assert.match(notes[1] ?? '', /annotate=Ghost: no kind of that name/);
  });

  it('has no wildcard, writes nothing as a reader, and tells why of each rule', () => {
    const all = { ...BARE, kubeEvents: true, metricsPages: true, writeEvents: true, annotate: ['Kafka'], canary: 'own' };
    for (const namespaces of [undefined, NAMESPACES]) {
      const { roles } = leastRoles({ ...all, kinds: [KAFKA, TOPIC, DEPLOYMENT], namespaces });
      assert.ok(roles.length >= 4);
      for (const { name, rules } of roles) {
        for (const rule of rules) {
          assert.ok(!JSON.stringify(rule).includes('*'), JSON.stringify(rule));
          assert.ok(rule.why.length > 5);
          if (name.endsWith('reader')) assert.ok(rule.verbs.every((verb) => ['get', 'list', 'watch'].includes(verb)));
          else assert.ok(rule.verbs.every((verb) => ['create', 'patch'].includes(verb)));
        }
      }
    }
  });
});

describe('roles as YAML', () => {
  it('says the same to kubectl, with the subject bound to each', () => {
    const least = leastRoles({ ...BARE, kinds: [KAFKA], canary: 'own', writeEvents: true });
    const text = rbacYaml(least, parseSubject('serviceaccount:crowsnest/crowsnest'), ['a heading']);
    assert.match(text, /^# a heading\n---\n/);
    assert.match(text, / {2}# the record of every change: Kafka\n {2}- apiGroups: \["kafka.strimzi.io"\]\n/);
    const documents = parseAllDocuments(text).map((document) => document.toJS());
    assert.equal(documents.length, 2 * least.roles.length);
    least.roles.forEach((role, i) => {
      const [written, binding] = [documents[2 * i], documents[2 * i + 1]];
      assert.deepEqual([written.kind, written.metadata.name, written.metadata.namespace], [role.kind, role.name, role.namespace]);
      assert.deepEqual(
        written.rules,
        role.rules.map(({ why, ...rule }) => rule),
      );
      assert.deepEqual(binding.roleRef, { apiGroup: 'rbac.authorization.k8s.io', kind: role.kind, name: role.name });
      assert.equal(binding.metadata.namespace, role.namespace);
      assert.deepEqual(binding.subjects, [{ kind: 'ServiceAccount', name: 'crowsnest', namespace: 'crowsnest' }]);
    });
  });

  it('lets no name break out of its comment', () => {
    const evil = { ...KAFKA, kind: 'X\n  - apiGroups: ["*"]\u2028    resources: ["*"]\u0085    verbs: ["*"]' };
    const text = rbacYaml(leastRoles({ ...BARE, kinds: [evil] }), parseSubject('user:a'), ['of\n---\nkind: Evil']);
    const [role] = parseAllDocuments(text).map((document) => document.toJS());
    assert.equal(role.kind, 'ClusterRole');
    assert.doesNotMatch(JSON.stringify(role), /\*/);
    assert.doesNotMatch(text.replaceAll(/^ *# .*$/gm, ''), /\*|Evil/);
  });

  it('binds users and groups by their API group', () => {
    const [, binding] = parseAllDocuments(rbacYaml(leastRoles(BARE), parseSubject('user:jane@corp:x'), []));
    assert.ok(binding);
    const { apiGroup, ...user } = binding.toJS().subjects[0];
    assert.equal(apiGroup, 'rbac.authorization.k8s.io');
    assert.deepEqual(user, { kind: 'User', name: 'jane@corp:x' });
    assert.deepEqual(parseSubject('group:ops'), { kind: 'Group', name: 'ops' });
  });
});
