import type { ResourceKind } from '../../kube/discovery.ts';

/** A pattern of kinds with the reason why it is in a list. */
export interface KindPattern {
  pattern: string;
  why: string;
}

export type KindMatcher = (kind: Pick<ResourceKind, 'group' | 'kind' | 'plural'>) => boolean;

/**
 * A pattern is matched against `plural.group`, `Kind.group` and `group`, without regard to case; `*` stands for anything:
 * `kafkas.kafka.strimzi.io`, `Kafka.*`, `*.crossplane.io`. In the core group a kind goes by `plural` or `Kind` alone.
 */
export function kindMatcher(pattern: string): KindMatcher {
  const source = pattern
    .split('*')
    .map((literal) => literal.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  const expression = new RegExp(`^${source}$`, 'i');
  return ({ group, kind, plural }) => {
    const names = group === '' ? [plural, kind] : [`${plural}.${group}`, `${kind}.${group}`, group];
    return names.some((name) => expression.test(name));
  };
}

export function anyKind(patterns: readonly string[] = []): KindMatcher {
  const matchers = patterns.map(kindMatcher);
  return (kind) => matchers.some((matches) => matches(kind));
}
