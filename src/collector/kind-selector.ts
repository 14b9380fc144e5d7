import type { ResourceKind } from '../kube/discovery.ts';

/**
 * Which kinds to watch. A pattern is matched against `plural.group`, `Kind.group` and `group`, without regard to case; `*` stands for
 * anything: `kafkas.kafka.strimzi.io`, `Kafka.*`, `*.crossplane.io`. What is excluded stays out even if included.
 */
export interface KindSelection {
  /** Empty or absent: all. */
  include?: string[] | undefined;
  exclude?: string[] | undefined;
}

export function createKindSelector(selection: KindSelection): (kind: ResourceKind) => boolean {
  const include = (selection.include ?? []).map(toMatcher);
  const exclude = (selection.exclude ?? []).map(toMatcher);
  return (kind) =>
    (include.length === 0 || include.some((matches) => matches(kind))) && !exclude.some((matches) => matches(kind));
}

function toMatcher(pattern: string): (kind: ResourceKind) => boolean {
  const source = pattern
    .split('*')
    .map((literal) => literal.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  const expression = new RegExp(`^${source}$`, 'i');
  return ({ group, kind, plural }) => [`${plural}.${group}`, `${kind}.${group}`, group].some((name) => expression.test(name));
}
