/**
 * Facts about limits that are taken away, by what names and values say of themselves in any kind, and not by a list of products: what is allowed,
 * passed on, copied or left unchecked from now on, what reaches further, lasts longer or is less strict than before.
 */
import { numberOf } from '../value-types.ts';
import { affirmed, among, type Fact, like, no, yes, zero } from './fact.ts';

/** From the strictest to the laxest, as APIs word it. Of a value that went down one of them less is asked, or more allowed, than before. */
const LADDERS: readonly (readonly string[])[] = [
  ['restricted', 'baseline', 'privileged'],
  ['restricted', 'legacy'],
  ['strict', 'permissive', 'disable'],
  ['strict', 'lax'],
  ['verify-full', 'verify-ca', 'require', 'prefer', 'allow', 'disable'],
  ['deny', 'audit', 'allow'],
  ['deny', 'warn', 'dryrun'],
  ['denied', 'allowed'],
  ['enforce', 'audit'],
  ['enforce', 'warn'],
  ['view', 'edit', 'admin', 'cluster-admin'],
  ['viewer', 'editor', 'admin', 'owner'],
  ['guest', 'reporter', 'developer', 'maintainer', 'owner'],
];
/** The same in words that are said of much else too: only where the field says that it is about what is allowed. */
const PLAIN_LADDERS: readonly (readonly string[])[] = [
  ['modern', 'intermediate', 'old'],
  ['required', 'preferred', 'optional', 'none'],
  ['require', 'request', 'none'],
  ['same', 'selector', 'all'],
  ['namespaced', 'cluster'],
  ['namespace', 'cluster'],
  ['block', 'log', 'allow'],
  ['block', 'monitor'],
  ['block', 'detect'],
  ['reject', 'accept'],
  ['drop', 'pass'],
  ['drop', 'accept'],
  ['fail', 'ignore'],
  ['private', 'internal', 'public'],
  ['none', 'read', 'write', 'admin'],
  ['reader', 'writer', 'owner'],
  ['readonly', 'readwrite', 'admin'],
  ['read-only', 'read-write'],
  ['ro', 'rw'],
  ['manual', 'automatic'],
];
const WORD_MAX = 16;

/** Whether a word stands lower than another on one of these ladders. */
function isLaxerOn(ladders: readonly (readonly string[])[]): (old: unknown, next: unknown) => boolean {
  const rungs = new Map<string, Map<number, number>>();
  for (const [ladder, words] of ladders.entries()) {
    for (const [rung, word] of words.entries()) rungs.set(word, (rungs.get(word) ?? new Map()).set(ladder, rung));
  }
  const rungsOf = (value: unknown) =>
    typeof value === 'string' && value.length <= WORD_MAX ? rungs.get(value.toLowerCase()) : undefined;
  return (old, next) => {
    const was = rungsOf(old);
    if (was === undefined) return false;
    for (const [ladder, rung] of rungsOf(next) ?? []) if (rung > (was.get(ladder) ?? rung)) return true;
    return false;
  };
}

/** The longest that a publicly trusted certificate may be valid for, by the CA/Browser Forum's Baseline Requirements since 2020. */
const YEAR_AND_A_MONTH_S = 398 * 86_400;

export const LIMITS: readonly Fact[] = [
  {
    id: 'less-strict',
    severity: 'warning',
    // Labels only sort objects, but for those that a namespace is guarded by.
    path: /^(?!.*\/labels\/(?!pod-security))/,
    when: 'gain',
    step: isLaxerOn(LADDERS),
    means: 'is less strict than it was',
    source: 'project-docs',
  },
  {
    id: 'less-strict-rule',
    severity: 'warning',
    path: /\/[^/]*(?:access|role|polic|mode|level|visib|permission|privilege|scope|action|secur|profile|approv|verdict|target|auth|tls|ssl|from|default|strategy|type)[^/]*$/i,
    when: 'gain',
    step: isLaxerOn(PLAIN_LADDERS),
    means: 'is less strict than it was',
    source: 'project-docs',
  },
  {
    id: 'cluster-wide',
    severity: 'info',
    path: /(?:kind|type)$/i,
    when: 'gain',
    step: (old, next) => typeof old === 'string' && old !== '' && next === `Cluster${old}`,
    means: 'is of the whole cluster instead of one namespace',
    source: 'kubernetes-docs',
  },
  {
    id: 'beyond-namespace',
    severity: 'warning',
    path: /\/(?!(?:no|not|non|disable|deny|disallow|forbid|prevent|block|reject|restrict|exclud|ignor|isolat|drop|limit)[^/]*$)[^/]*(?:(?:cross|all|any|other|every)[-_]?(?:namespace|tenant|project)s?|cluster[-_]?wide)[^/]*$/i,
    when: 'gain',
    value: affirmed,
    means: 'lets it reach beyond its own namespace',
    source: 'kubernetes-docs',
  },
  {
    id: 'credentials-passed',
    severity: 'warning',
    path: /\/(?:pass(?!w|k|port)|forward|share|propagat|send|reuse|expose|export|copy|delegat|reveal|print|log(?!in|out))[a-z_-]*(?:credential|token|secret|password|cookie|authorization|auth-?header|identity|kubeconfig)(?![a-z_-]*(?:fail|error|attempt|rotat|expir|metric))[a-z_-]*$/i,
    when: 'gain',
    value: affirmed,
    means: 'hands credentials on',
    source: 'project-docs',
  },
  {
    id: 'copied-elsewhere',
    severity: 'warning',
    path: /annotations\/[^/]*(?:(?:reflect|replicat|mirror|cop(?:y|ied)(?!right)|clone[-_.]?(?:to|into))[^/]*|~1sync)$/i,
    when: 'gain',
    value: (value) => !no(value),
    means: 'lets other namespaces have a copy',
    source: 'project-docs',
  },
  {
    id: 'check-left-out',
    severity: 'warning',
    // To turn passwords, anonymous or local accounts off is no check less.
    path: /\/(?!disable[a-z_-]*(?:local|basic|anonymous|password|shared|static|legacy|key|login))(?:skip|disable|ignore|bypass|omit|suppress|without)[a-z_-]*(?:verif|validat|auth|signature|checksum|integrity|secur|polic|admission|firewall|encrypt|rbac|password|login|mfa|host-?key|expir|revocation|quota)[a-z_-]*$/i,
    when: 'gain',
    value: affirmed,
    means: 'leaves out a check',
    source: 'project-docs',
  },
  {
    id: 'long-lived',
    severity: 'warning',
    kind: /cert|issuer|token|secret|key|credential|password|vault|session|oidc|account/i,
    path: /(?:duration|ttl|lifetime|validity|expiry|expiration|period)$/i,
    when: 'gain',
    value: (value) => typeof value === 'string' && (numberOf(value, '') ?? 0) > YEAR_AND_A_MONTH_S,
    means: 'is longer than any public certificate may last, and as long works what is stolen',
    source: 'project-docs',
  },
  {
    id: 'never-renewed',
    severity: 'warning',
    path: /(?:(?:key|cert|token|secret|credential|password)[^/]*\/?[^/]*(?:rotat|renew)|(?:rotat|renew)[^/]*(?:key|cert|token|secret|credential|password))[^/]*$/i,
    when: 'gain',
    value: (value) => zero(value) || no(value) || (typeof value === 'string' && /^(?:never|0s)$/i.test(value)),
    means: 'keeps a key in use for good',
    source: 'nist',
  },
  {
    id: 'refusal-gone',
    severity: 'warning',
    path: /\/[a-z]*(?:deny|denied|denies|forbidden|blacklist|denylist|disallowed|prohibited)[a-z]*(?:\/.*)?$/i,
    when: 'loss',
    means: 'was refused until now',
    source: 'project-docs',
  },
  {
    id: 'selects-all',
    severity: 'warning',
    path: /\/(?!node)[a-z]*selector$/i,
    when: 'gain',
    edits: true,
    value: (value) => typeof value === 'object' && value !== null && Object.keys(value).length === 0,
    means: 'chooses everything from now on',
    source: 'kubernetes-docs',
  },
  {
    id: 'signing-usage',
    severity: 'warning',
    path: /\/usages\/\[\*\]$/,
    when: 'gain',
    value: among('any', 'cert sign', 'crl sign'),
    means: 'lets the certificate be used to vouch for others',
    source: 'project-docs',
  },
  {
    id: 'mount-propagation',
    severity: 'warning',
    path: /\/mountPropagation$/,
    when: 'gain',
    value: among('bidirectional'),
    means: 'lets the container mount things on the node',
    source: 'kubernetes-docs',
  },
  {
    id: 'sandbox-gone',
    severity: 'warning',
    path: /\/runtimeClass(?:Name)?$/,
    when: 'loss',
    value: like(/gvisor|runsc|kata/i),
    means: 'was the sandbox around the container',
    source: 'kubernetes-docs',
  },
  {
    id: 'lax-grant',
    severity: 'warning',
    path: /\/(?:implicit(?:flow|grant)|directaccessgrants|fullscope|publicclient)[a-z]*$/i,
    when: 'gain',
    value: yes,
    means: 'opens a way to log in that OAuth 2.0 advises against (RFC 9700)',
    source: 'project-docs',
  },
  {
    id: 'superuser-named',
    severity: 'warning',
    path: /\/(?:super|root)[-_]?users?\/\[\*\]$/i,
    when: 'gain',
    means: 'names somebody whom no rule stops',
    source: 'project-docs',
  },
  {
    id: 'database-trust',
    severity: 'critical',
    path: /pg_?hba[^/]*(?:\/\[\*\])?$/i,
    when: 'gain',
    value: like(/^\s*(?:host|hostssl|hostnossl|local)\s.*\s(?:trust|password)\s*$/),
    means: 'lets database users in without a proof',
    source: 'project-docs',
  },
];
