import type { ChangeType, Observation } from '../domain/change.ts';
import { type Json, type JsonObject, jsonEqual } from '../domain/json.ts';
import { type KubeObject, type ObjectRef, refOf } from '../domain/object-ref.ts';
import { timestamp } from './calendar.ts';
import { FieldOwners, ownedParts, type Writer } from './managed-fields.ts';
import type { Random } from './random.ts';

export const CLUSTER = 'harbour';

/** An object as its writer sends it: no uid, no resourceVersion. */
export interface Draft extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: JsonObject & { name: string };
}

/** `Kind/namespace/name`, with an empty namespace for cluster-scoped objects. */
export type ObjectId = string;

interface Entry {
  object: KubeObject;
  owners: FieldOwners;
}

/**
 * What the demo needs of an API server: uids, a resourceVersion that rises over all writes (those of other resources in between),
 * generations that follow the spec, and managedFields. Writes that change nothing make no event.
 */
export class ApiServer {
  readonly #objects = new Map<ObjectId, Entry>();
  readonly #random: Random;
  readonly #emit: (observation: Observation) => void;
  #resourceVersion = 4_180_233;

  constructor(random: Random, emit: (observation: Observation) => void) {
    this.#random = random;
    this.#emit = emit;
  }

  find(id: ObjectId): KubeObject | undefined {
    return this.#objects.get(id)?.object;
  }

  /** Live objects of a kind in order of creation. */
  list(kind: string, namespace?: string): KubeObject[] {
    const found: KubeObject[] = [];
    for (const { object } of this.#objects.values()) {
      if (object.kind === kind && (namespace === undefined || object.metadata.namespace === namespace)) found.push(object);
    }
    return found;
  }

  /** `createdMs` is when it was made, for objects that were there before the recording began. */
  create(writer: Writer, draft: Draft, nowMs: number, createdMs = nowMs): KubeObject {
    const { name, namespace, ...rest } = draft.metadata;
    const object: KubeObject = {
      apiVersion: draft.apiVersion,
      kind: draft.kind,
      metadata: {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        uid: this.#uid(),
        resourceVersion: this.#nextVersion(),
        generation: 1,
        creationTimestamp: timestamp(createdMs),
        ...rest,
      },
    };
    for (const key of Object.keys(draft)) if (!Object.hasOwn(object, key)) object[key] = draft[key] as Json;
    const owners = new FieldOwners();
    const { status, ...parts } = ownedParts(object);
    owners.note(writer, false, {}, parts, createdMs);
    if (status !== undefined) {
      const controller = { manager: statusManagerOf(object), operation: 'Update' } as const;
      owners.note(controller, true, { ...parts }, { ...parts, status }, createdMs);
    }
    object.metadata.managedFields = owners.toJson(object.apiVersion);
    this.#objects.set(idOf(object), { object, owners });
    this.#send('ADDED', object, nowMs, createdMs === nowMs ? writer.actor : undefined);
    return object;
  }

  /** Applies `change` to a copy. Returns the new state, or undefined when the object is gone or nothing changed. */
  update(
    writer: Writer,
    id: ObjectId,
    change: (object: KubeObject) => void,
    nowMs: number,
    status = false,
  ): KubeObject | undefined {
    const entry = this.#objects.get(id);
    if (entry === undefined) return undefined;
    const before = entry.object;
    const { managedFields, ...metadata } = before.metadata;
    const after = clone({ ...before, metadata }) as KubeObject;
    change(after);
    after.metadata.managedFields = managedFields as Json;
    if (jsonEqual(before, after)) return undefined;
    if (!jsonEqual(before.spec, after.spec)) after.metadata.generation = (before.metadata.generation as number) + 1;
    after.metadata.resourceVersion = this.#nextVersion();
    entry.owners.note(writer, status, ownedParts(before), ownedParts(after), nowMs);
    after.metadata.managedFields = entry.owners.toJson(after.apiVersion);
    entry.object = after;
    this.#send('MODIFIED', after, nowMs, writer.actor);
    return after;
  }

  remove(writer: Writer, id: ObjectId, nowMs: number): KubeObject | undefined {
    const entry = this.#objects.get(id);
    if (entry === undefined) return undefined;
    this.#objects.delete(id);
    const { object } = entry;
    const last: KubeObject = { ...object, metadata: { ...object.metadata, resourceVersion: this.#nextVersion() } };
    this.#send('DELETED', last, nowMs, writer.actor);
    return last;
  }

  #send(type: ChangeType, object: KubeObject, observedMs: number, actor: string | undefined): void {
    const observation: Observation = { cluster: CLUSTER, type, object, observedMs, origin: 'replay' };
    if (actor !== undefined) observation.actor = actor;
    this.#emit(observation);
  }

  #nextVersion(): string {
    this.#resourceVersion += this.#random.int(1, 23);
    return String(this.#resourceVersion);
  }

  #uid(): string {
    const r = this.#random;
    return `${r.hex(8)}-${r.hex(4)}-4${r.hex(3)}-${r.pick(['8', '9', 'a', 'b'])}${r.hex(3)}-${r.hex(12)}`;
  }
}

/** What structuredClone would do, for JSON alone and many times faster. */
function clone(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(clone);
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) copy[key] = clone(value[key]!);
  return copy;
}

export function idOf(object: { kind: string; metadata: JsonObject }): ObjectId {
  return `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

export function refIn(object: KubeObject): ObjectRef {
  return refOf(CLUSTER, object);
}

const STATUS_MANAGERS: Record<string, string> = {
  GitRepository: 'source-controller',
  Kustomization: 'kustomize-controller',
  HelmRelease: 'helm-controller',
  Certificate: 'cert-manager-certificates-readiness',
  Issuer: 'cert-manager-issuers',
  XPostgreSQLInstance: 'apiextensions.crossplane.io/composite',
  Bucket: 'crossplane-provider-s3',
  Kafka: 'strimzi-cluster-operator',
  KafkaTopic: 'strimzi-topic-operator',
  KafkaUser: 'strimzi-user-operator',
  ModelDeployment: 'model-operator',
  InferenceService: 'kserve-controller-manager',
  ModelRoute: 'ai-gateway-controller',
};

/** The field manager by which the kind's controller writes status. */
export function statusManagerOf(object: { kind: string }): string {
  return STATUS_MANAGERS[object.kind] ?? 'manager';
}
