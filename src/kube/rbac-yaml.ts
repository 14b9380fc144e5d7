/** Roles as YAML for `kubectl apply -f -`, each rule with why it is there. Pure. Values are written as JSON, which YAML takes as it is. */
import type { LeastRoles, RbacRole, RbacRule } from './rbac-rules.ts';

export interface RbacSubject {
  kind: 'ServiceAccount' | 'User' | 'Group';
  name: string;
  /** Of a ServiceAccount. */
  namespace?: string;
}

/** `serviceaccount:NAMESPACE/NAME`, `user:NAME` or `group:NAME`, as options.ts has checked it. */
export function parseSubject(text: string): RbacSubject {
  const [type, rest] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)];
  if (type === 'user') return { kind: 'User', name: rest };
  if (type === 'group') return { kind: 'Group', name: rest };
  const [namespace = '', name = ''] = rest.split('/');
  return { kind: 'ServiceAccount', namespace, name };
}

export function rbacYaml({ roles, notes }: LeastRoles, subject: RbacSubject, heading: readonly string[]): string {
  const comments = [...heading, ...notes].map((line) => `# ${oneLine(line)}\n`).join('');
  return comments + roles.map((role) => `---\n${roleYaml(role)}---\n${bindingYaml(role, subject)}`).join('');
}

function roleYaml(role: RbacRole): string {
  const head = `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${role.kind}\n${metadataYaml(role)}`;
  return `${head}rules:\n${role.rules.map(ruleYaml).join('')}`;
}

function ruleYaml({ why, ...rule }: RbacRule): string {
  const lines = Object.entries(rule).map(([field, values]) => `${field}: ${JSON.stringify(values).replaceAll('","', '", "')}`);
  return `  # ${oneLine(why)}\n  - ${lines.join('\n    ')}\n`;
}

/** Names of kinds and clusters come from elsewhere, and what ends a comment would be applied as a rule. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

function bindingYaml(role: RbacRole, { kind, name, namespace }: RbacSubject): string {
  const ofAccount = namespace === undefined ? '' : `    namespace: ${JSON.stringify(namespace)}\n`;
  const apiGroup = kind === 'ServiceAccount' ? '' : '    apiGroup: rbac.authorization.k8s.io\n';
  return `apiVersion: rbac.authorization.k8s.io/v1
kind: ${role.kind}Binding
${metadataYaml(role)}roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ${role.kind}
  name: ${role.name}
subjects:
  - kind: ${kind}
    name: ${JSON.stringify(name)}
${ofAccount}${apiGroup}`;
}

function metadataYaml({ name, namespace }: RbacRole): string {
  return `metadata:\n  name: ${name}\n${namespace === undefined ? '' : `  namespace: ${JSON.stringify(namespace)}\n`}`;
}
