/**
 * Facts about the borders between namespaces, tenants and the cluster, about keys and certificates, and about who decides what is let in, as the projects
 * themselves warn of them.
 */
import { affirmed, among, type Fact, like, yes } from './fact.ts';

/** Hours in two years: NIST SP 800-57, part 1, 5.3.6, gives private keys of authentication one to two. */
const KEY_HOURS_MAX = 2 * 365 * 24;
const HOURS = /^(\d{1,9})h(?:0m)?(?:0s)?$/;

export const SCOPE: readonly Fact[] = [
  // Namespaces as borders: RFC 2 of Flux, its multi-tenancy lockdown, the documentation of Traefik and of controllers for Terraform and Grafana.
  {
    id: 'cross-namespace',
    severity: 'warning',
    path: /\/(?!(?:no|deny|disallow|forbid|block)[^/]*$)[^/]*cross[-_]?namespace[^/]*$/i,
    when: 'gain',
    value: affirmed,
    means: 'lets other namespaces reach in, or this one reach out',
    source: 'project-docs',
  },
  {
    id: 'copied-elsewhere',
    severity: 'warning',
    // Annotations by which replicators of secrets (reflector, kubernetes-replicator, kubed) are told to copy one to other namespaces.
    path: /annotations\/[^/]*(?:reflect|replicat|kubed)[^/]*(?:allowed|auto[^/]*|replicate-to[^/]*|sync)$/i,
    when: 'gain',
    value: (value) => value !== false && value !== 'false' && value !== '',
    means: 'lets it be copied to other namespaces, where others read it',
    source: 'project-docs',
  },
  {
    id: 'cluster-wide',
    severity: 'warning',
    path: /\/cluster[-_]?wide[^/]*$/i,
    when: 'gain',
    value: affirmed,
    means: 'reaches all of the cluster in place of one namespace',
    source: 'rbac-good-practices',
  },
  {
    id: 'cluster-scoped-kind',
    severity: 'info',
    path: /\/[^/]*ref\/kind$/i,
    when: 'gain',
    from: like(/^(?!Cluster)[A-Z]/),
    value: like(/^Cluster[A-Z]/),
    means: 'draws on what the whole cluster shares, in place of its own namespace',
    source: 'project-docs',
  },
  {
    id: 'system-namespace',
    severity: 'warning',
    path: /(?:target|release|install|destination)[^/]*\/?namespace$/i,
    when: 'gain',
    value: among('kube-system', 'kube-public', 'kube-node-lease'),
    means: 'puts it among the parts of the cluster itself',
    source: 'kubernetes-docs',
  },
  {
    id: 'project-opened',
    severity: 'info',
    path: /\/clusterResourceWhitelist\/|\/namespaceResourceWhitelist\//,
    when: 'gain',
    means: 'lets a project make what it could not make before',
    source: 'project-docs',
  },
  {
    id: 'refusal-gone',
    severity: 'warning',
    path: /(?:black|deny|block)[-_]?list(?:\/|$)/i,
    when: 'loss',
    means: 'was taken from what is refused',
    source: 'project-docs',
  },
  {
    id: 'limit-gone',
    severity: 'info',
    path: /\/enforced[A-Z][A-Za-z]*$/,
    when: 'loss',
    means: 'was removed, and with it a limit that its users could not lift',
    source: 'project-docs',
  },
  // Credentials and keys.
  {
    id: 'credentials-handed-on',
    severity: 'warning',
    // CVE-2021-32690: what a repository's index names may be another host.
    path: /\/(?:pass|forward|share)[-_]?(?:credentials?|auth(?:orization)?|passwords?|tokens?)[^/]*$/i,
    when: 'gain',
    value: affirmed,
    means: 'hands credentials on to other hosts than they are for',
    source: 'project-docs',
  },
  {
    id: 'weak-algorithm',
    severity: 'warning',
    path: /(?:algorithm|cipher|digest|signature|hash|mac)s?(?:\/\[\*\])?$/i,
    when: 'gain',
    value: like(
      /^(?:(?:hmac-?)?(?:md[245]|sha-?1)|(?:3|triple-?)?des(?:-.*)?|rc[24](?:-.*)?)$|^(?:md[245]|sha-?1)-?with|^(?:ssh-)?dss$/i,
    ),
    means: 'is a procedure that must not be used any more',
    source: 'nist',
  },
  {
    id: 'long-lived-key',
    severity: 'info',
    path: /\/(?:duration|validity(?:period)?|lifetime)$/i,
    when: 'gain',
    value: (value) => typeof value === 'string' && Number(HOURS.exec(value)?.[1] ?? 0) > KEY_HOURS_MAX,
    means: 'is longer than a key should be in use',
    source: 'nist',
  },
  {
    id: 'signing-usage',
    severity: 'warning',
    path: /\/usages\/\[\*\]$/,
    when: 'gain',
    value: among('cert sign', 'crl sign', 'any'),
    means: 'makes a certificate that can sign others',
    source: 'project-docs',
  },
  {
    id: 'self-signed',
    severity: 'info',
    path: /self-?signed[^/]*$/i,
    when: 'gain',
    value: yes,
    means: 'vouches for itself',
    source: 'project-docs',
  },
  // Who gets in, and what.
  {
    id: 'wildcard-host',
    severity: 'info',
    path: /(?:host|dns|domain)[^/]*(?:\/\[\*\])?$/i,
    when: 'gain',
    value: like(/^\*\.[\w.-]+$/),
    means: 'takes in every name below it',
    source: 'project-docs',
  },
  {
    id: 'above-all-rules',
    severity: 'warning',
    path: /\/super-?users?\/\[\*\]$/i,
    when: 'gain',
    means: 'is above all rules of access',
    source: 'project-docs',
  },
  {
    id: 'protection-disabled',
    severity: 'warning',
    path: /\/[^/]*(?:tls|ssl|auth|secur|certificate)[^/]*\/disabled?$/i,
    when: 'gain',
    value: affirmed,
    means: 'switches a protection off',
    source: 'project-docs',
  },
  {
    id: 'privileged-by-mark',
    severity: 'critical',
    // Annotations and labels by which controllers are allowed to run privileged helpers.
    path: /\/metadata\/(?:annotations|labels)\/[^/]*privileged[^/]*$/,
    when: 'gain',
    value: affirmed,
    means: 'lets helpers there run with the rights of the node',
    source: 'project-docs',
  },
  {
    id: 'node-network',
    severity: 'critical',
    path: /\/network\/provider$/,
    when: 'gain',
    value: among('host'),
    means: "uses the node's own network",
    source: 'project-docs',
  },
  {
    id: 'source-ranges-gone',
    severity: 'warning',
    path: /\/(?:loadBalancer)?sourceRanges?(?:\/\[\*\])?$/i,
    when: 'loss',
    means: 'was removed, and nobody is turned away by it any more',
    source: 'kubernetes-docs',
  },
  {
    id: 'unapproved-upgrades',
    severity: 'info',
    path: /\/[^/]*approval$/i,
    when: 'gain',
    from: among('manual'),
    value: among('automatic'),
    means: 'takes what comes next without anybody approving of it',
    source: 'project-docs',
  },
];
