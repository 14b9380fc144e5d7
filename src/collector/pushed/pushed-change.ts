/**
 * What a pushed event says about an object: pure, from a CloudEvent or a stream line to an observation, and a claim where somebody is named.
 *
 * Taken are Knative's ApiServerSource (mode Resource: the object itself) and our own dev.crowsnest.cr.*.v1 (data: `{object, actor?, cluster?}`).
 * Knative's mode Reference names an object without uid, version or content: nothing that could be recorded as a state, and not even a deletion,
 * since a name may have a new life by the time a late message comes. Such an event is accepted and counted as a reference.
 */
import type { ChangeType, Observation } from '../../domain/change.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { type KubeObject, refOf } from '../../domain/object-ref.ts';
import { type Claim, writtenBy } from '../../domain/who/claim.ts';
import { objectFault } from '../recording/stream-format.ts';
import type { PushedEvent } from './cloud-event.ts';
import type { IngestFault } from './ingest-fault.ts';

export interface PushContext {
  /** The cluster that the sender speaks for: no event may name another, unless `anyCluster`. */
  cluster: string;
  anyCluster?: boolean;
  nowMs: number;
}

export type PushedMeaning = { observation: Observation; claim: Claim | undefined } | { reference: true } | { fault: IngestFault };

const TYPES: Readonly<Record<string, ChangeType>> = {
  'dev.knative.apiserver.resource.add': 'ADDED',
  'dev.knative.apiserver.resource.update': 'MODIFIED',
  'dev.knative.apiserver.resource.delete': 'DELETED',
  'dev.crowsnest.cr.created.v1': 'ADDED',
  'dev.crowsnest.cr.updated.v1': 'MODIFIED',
  'dev.crowsnest.cr.deleted.v1': 'DELETED',
};
const REFERENCES: ReadonlySet<string> = new Set(['add', 'update', 'delete'].map((verb) => `dev.knative.apiserver.ref.${verb}`));
const VERBS = { ADDED: 'create', MODIFIED: 'update', DELETED: 'delete' } as const;

/** A sender's clock is believed as far back as this; what it calls the future is now. */
export const SKEW_MS_MAX = 86_400_000;

export function meaningOf(event: PushedEvent, context: PushContext): PushedMeaning {
  if (REFERENCES.has(event.type)) return { reference: true };
  const type = Object.hasOwn(TYPES, event.type) ? TYPES[event.type]! : undefined;
  if (type === undefined) {
    const taken = 'dev.knative.apiserver.{resource,ref}.{add,update,delete} and dev.crowsnest.cr.{created,updated,deleted}.v1';
    return fault('event-type', `events of this type are not taken; taken are ${taken}`);
  }
  const own = event.type.startsWith('dev.crowsnest.');
  const carried: JsonObject = own ? (isJsonObject(event.data) ? event.data : {}) : { object: event.data ?? null };
  const cluster = clusterOf(carried.cluster, context);
  if (cluster === undefined) return fault('cluster', 'the event is of another cluster than its sender speaks for');
  const wrong = objectFault(carried.object) ?? refusalOf(carried.object as KubeObject);
  if (wrong !== undefined) return fault('object', wrong);
  const object = carried.object as KubeObject;
  const differs = identityFault(event, object);
  if (differs !== undefined) return fault('identity', differs);
  const observedMs = believedTime(event.timeMs, context.nowMs);
  const observation: Observation = { cluster, type, object, observedMs, origin: 'push' };
  const name = authorOf(event) ?? (typeof carried.actor === 'string' && carried.actor !== '' ? carried.actor : undefined);
  const id = `${event.source} ${event.id}`;
  return { observation, claim: name === undefined ? undefined : claimOf(observation, name, id) };
}

/** The cluster that is meant where `stated` is named; undefined where the sender may not name it. */
export function clusterOf(stated: unknown, { cluster, anyCluster }: PushContext): string | undefined {
  if (stated === undefined || stated === cluster) return cluster;
  return anyCluster === true && typeof stated === 'string' && stated !== '' && stated.length <= NAME_LENGTH_MAX
    ? stated
    : undefined;
}

/** The claim that whoever pushed an observation makes about its author. */
export function claimOf(observation: Observation, name: string, id: string): Claim {
  const { cluster, object, type, observedMs } = observation;
  const { group, kind, namespace, name: objectName } = refOf(cluster, object);
  const { uid, resourceVersion } = object.metadata;
  return {
    ...{ cluster, source: 'pushed', id },
    // Nobody says the plural, and guessing it from the kind is wrong often enough; uid and resourceVersion join exactly.
    target: { group, resource: '', kind, namespace, name: objectName, uid },
    verb: VERBS[type],
    resourceVersion,
    atMs: observedMs,
    user: writtenBy({ name }) ?? { name },
  };
}

export function believedTime(timeMs: number | undefined, nowMs: number): number {
  return timeMs === undefined || timeMs > nowMs || timeMs < nowMs - SKEW_MS_MAX ? nowMs : timeMs;
}

/** Longer than any API server allows: such an object is made up, and names go into indexes. */
const NAME_LENGTH_MAX = 253;

/** Why a well-formed object is not taken from outside, if it is not. */
export function refusalOf({ apiVersion, kind, metadata }: KubeObject): string | undefined {
  if (apiVersion === 'v1' && kind === 'Secret') return 'the contents of Secrets are never recorded';
  const names: Record<string, Json | undefined> = { apiVersion, kind, ...metadata };
  for (const field of ['apiVersion', 'kind', 'name', 'namespace', 'uid', 'resourceVersion']) {
    const value = names[field];
    if (typeof value === 'string' && value.length > NAME_LENGTH_MAX)
      return `${field} is longer than ${NAME_LENGTH_MAX} characters`;
  }
  return undefined;
}

/** Attributes route and filter an event before anyone looks into it; where they name another object than the data do, one of the two is forged. */
function identityFault({ subject, extensions }: PushedEvent, object: KubeObject): string | undefined {
  const { name, namespace } = object.metadata;
  const stated: [string, string | number | boolean | undefined, Json | undefined][] = [
    ['kind', extensions.kind, object.kind],
    ['name', extensions.name, name],
    ['namespace', extensions.namespace, namespace ?? ''],
    ['apiversion', extensions.apiversion, object.apiVersion],
  ];
  for (const [attribute, value, actual] of stated) {
    if (value !== undefined && value !== actual) return `the attribute ${attribute} names another object than the data`;
  }
  const path = /\/namespaces\/([^/]*)\/[^/]+\/([^/]+)$/.exec(subject ?? '');
  if (path !== null && (path[1] !== (namespace ?? '') || path[2] !== name))
    return 'the subject names another object than the data';
  return undefined;
}

/** The extension `authcontext`: who, as the sender knows it. Only where it says that it knows. */
function authorOf({ extensions }: PushedEvent): string | undefined {
  const { authtype, authid } = extensions;
  if (typeof authid !== 'string' || authid === '') return undefined;
  return authtype === undefined || authtype === 'unknown' || authtype === 'unauthenticated' ? undefined : authid;
}

function fault(reason: IngestFault['reason'], what: string): { fault: IngestFault } {
  return { fault: { reason, what } };
}
