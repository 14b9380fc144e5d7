import type { Clock } from '../../domain/clock.ts';
import { BUILTIN_GROUPS } from '../../kube/builtin-groups.ts';
import type { KindCoverage } from '../source.ts';

const FRESH_MS = 1_000;

/**
 * The kind of a resource, from what is watched: audit at level Metadata names the plural only. False for what is known not to be watched;
 * undefined where a group is not known at all, since its kinds may just be coming.
 */
export function createKindLookup(options: { coverage: () => KindCoverage[]; clock: Clock }) {
  let readMs = Number.NEGATIVE_INFINITY;
  let kinds = new Map<string, string>();
  let groups = new Set<string>();
  return (cluster: string, group: string, resource: string): string | false | undefined => {
    const nowMs = options.clock.nowMs();
    if (Math.abs(nowMs - readMs) > FRESH_MS) {
      const rows = options.coverage();
      kinds = new Map(rows.map((row) => [`${row.cluster}/${row.group}/${row.plural}`, row.kind]));
      groups = new Set(rows.map((row) => `${row.cluster}/${row.group}`));
      readMs = nowMs;
    }
    const kind = kinds.get(`${cluster}/${group}/${resource}`);
    if (kind !== undefined) return kind;
    return group === '' || BUILTIN_GROUPS.has(group) || groups.has(`${cluster}/${group}`) ? false : undefined;
  };
}
