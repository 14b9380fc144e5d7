/** Which of the kinds a cluster serves are watched, and how; and which are not, and why. Pure: the collector and `crowsnest rbac` agree by asking here. */
import { parseCoreKinds } from '../../domain/core-kinds.ts';
import { splitSelector } from '../../domain/selector.ts';
import type { ResourceKind } from '../../kube/discovery.ts';
import { anyKind, kindMatcher } from './kind-selector.ts';
import { LOW_VALUE_KINDS } from './low-value-kinds.ts';

export interface KindSelection {
  /** Patterns of kinds; empty or absent: all but those of low value. What is named is watched even if of low value. */
  include?: readonly string[] | undefined;
  /** What is excluded stays out even if included. */
  exclude?: readonly string[] | undefined;
  /** Kinds of Kubernetes itself, by name. */
  coreKinds?: readonly string[] | undefined;
  /** Patterns of kinds of which only the metadata is read. */
  metadataOnly?: readonly string[] | undefined;
  /** Only these namespaces, without any right beyond them; cluster-scoped kinds are then left out. */
  namespaces?: readonly string[] | undefined;
  /** All namespaces but these. */
  excludeNamespaces?: readonly string[] | undefined;
  /** `SELECTOR` for all kinds or `KIND: SELECTOR` for those that a pattern names; what applies to a kind applies together. */
  labelSelectors?: readonly string[] | undefined;
  fieldSelectors?: readonly string[] | undefined;
}

/** A kind with the way it is to be watched. */
export interface PlannedKind extends ResourceKind {
  /** Ask the server for metadata only. */
  metadataOnly?: boolean;
  labelSelector?: string;
  fieldSelector?: string;
}

export interface KindPlan {
  watch: PlannedKind[];
  leftOut: { kind: ResourceKind; reason: string }[];
}

export type KindPlanner = (kinds: readonly ResourceKind[]) => KindPlan;

/** Throws an Error when a core kind may not be asked for; options.ts has checked that before. */
export function createKindPlanner(selection: KindSelection): KindPlanner {
  const { include = [], exclude = [], namespaces, excludeNamespaces = [] } = selection;
  const [isIncluded, isExcluded, isMetadataOnly] = [anyKind(include), anyKind(exclude), anyKind(selection.metadataOnly)];
  const core = parseCoreKinds(selection.coreKinds ?? []);
  const lowValue = LOW_VALUE_KINDS.map(({ pattern, why }) => ({ matches: kindMatcher(pattern), why }));
  const labels = (selection.labelSelectors ?? []).map(splitSelector);
  const fields = (selection.fieldSelectors ?? []).map(splitSelector);

  const whyNot = (kind: ResourceKind): string | undefined => {
    if (isExcluded(kind)) return 'left out by --exclude';
    if (namespaces !== undefined && !kind.namespaced) return 'cluster-scoped, and only some namespaces are watched';
    if (core.wants(kind) || isIncluded(kind)) return undefined;
    if (include.length > 0) return 'not among what --include names';
    const low = lowValue.find(({ matches }) => matches(kind));
    return low === undefined ? undefined : `left out as of low value (${low.why}); --include it to watch it`;
  };

  const planned = (kind: ResourceKind): PlannedKind => {
    const plan: PlannedKind = { ...kind };
    if (isMetadataOnly(kind)) plan.metadataOnly = true;
    const labelSelector = selectorFor(kind, labels);
    if (labelSelector !== '') plan.labelSelector = labelSelector;
    const byNamespace = kind.namespaced ? excludeNamespaces.map((namespace) => `metadata.namespace!=${namespace}`) : [];
    const fieldSelector = [selectorFor(kind, fields), ...byNamespace].filter((text) => text !== '').join(',');
    if (fieldSelector !== '') plan.fieldSelector = fieldSelector;
    return plan;
  };

  return (kinds) => {
    const plan: KindPlan = { watch: [], leftOut: [] };
    for (const kind of kinds) {
      const reason = whyNot(kind);
      if (reason === undefined) plan.watch.push(planned(kind));
      else plan.leftOut.push({ kind, reason });
    }
    return plan;
  };
}

function selectorFor(kind: ResourceKind, selectors: { pattern: string; selector: string }[]): string {
  return selectors
    .filter(({ pattern }) => kindMatcher(pattern)(kind))
    .map(({ selector }) => selector)
    .join(',');
}
