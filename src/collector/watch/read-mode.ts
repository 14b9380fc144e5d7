/** How a planned kind is asked for: as metadata only, in part by selectors. What follows from that for queries, headers, names and objects. */
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { apiVersionOf } from '../../domain/object-ref.ts';
import { parseFieldSelector, parseLabelSelector, type Selector } from '../../domain/selector.ts';
import type { PlannedKind } from './kind-plan.ts';

export const METADATA_ACCEPT = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
/** For a list; a server answers one asked for as the other with 406, whatever else would be accepted. */
export const METADATA_LIST_ACCEPT = METADATA_ACCEPT.replace('PartialObjectMetadata', 'PartialObjectMetadataList');
/** What kubectl apply leaves behind: the whole object once more. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The part of a query that every list and watch of the kind has. */
export function selectionQuery({ labelSelector, fieldSelector }: PlannedKind): Record<string, string> {
  return {
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

export function readHeaders({ metadataOnly }: PlannedKind, what: 'object' | 'list' = 'object'): Record<string, string> {
  if (metadataOnly !== true) return {};
  return { accept: what === 'list' ? METADATA_LIST_ACCEPT : METADATA_ACCEPT };
}

/**
 * Ends the name of a stream's position where the stream is not all of the kind: under another selection the same position would skip
 * objects that fit only now, so that one begins with a list.
 */
export function selectionSuffix(kind: PlannedKind): string {
  const query = new URLSearchParams(selectionQuery(kind)).toString();
  return `${query === '' ? '' : `?${query}`}${kind.metadataOnly === true ? '#metadata' : ''}`;
}

/** Whether an object is in the kind's selection; undefined where all are. */
export function selectorOf({ labelSelector, fieldSelector }: PlannedKind): Selector | undefined {
  if (labelSelector === undefined && fieldSelector === undefined) return undefined;
  const byLabel = labelSelector === undefined ? undefined : parseLabelSelector(labelSelector);
  const byField = fieldSelector === undefined ? undefined : parseFieldSelector(fieldSelector);
  return (object) => byLabel?.(object) !== false && byField?.(object) !== false;
}

/**
 * What is kept of an object asked for as metadata. Servers that know no PartialObjectMetadata send the whole of it; its content is
 * dropped here all the same, and so is the copy of it that kubectl apply leaves in an annotation.
 */
export function metadataOf(value: JsonObject, kind: PlannedKind): JsonObject {
  const metadata: JsonObject = isJsonObject(value.metadata) ? { ...value.metadata } : {};
  if (isJsonObject(metadata.annotations)) {
    const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations;
    metadata.annotations = annotations;
  }
  const partial = value.kind === 'PartialObjectMetadata';
  return {
    apiVersion: partial ? apiVersionOf(kind) : (value.apiVersion ?? null),
    kind: partial ? kind.kind : (value.kind ?? null),
    metadata,
  };
}
