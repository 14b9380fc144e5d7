/** Makes the changes that tests append: what ingest would hand to the store, without a pipeline. */

import type { Actor, ChangeType } from '../../src/domain/change.ts';
import { isBookkeepingPath } from '../../src/domain/diff/bookkeeping.ts';
import { diffValues, leavesOf } from '../../src/domain/diff/field-diff.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { type KubeObject, type ObjectRef, refOf } from '../../src/domain/object-ref.ts';
import type { NewChange } from '../../src/store/store.ts';

export const FLUX: Actor = { name: 'flux', source: 'managedFields', confidence: 0.6, operation: 'Apply' };
export const HUMAN: Actor = { name: 'jo@example.org', source: 'stream', confidence: 1 };

/** A Kafka, masked and without managedFields, as the store sees it. */
export function state(name: string, resourceVersion: string, spec: JsonObject, metadata: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'kafka.strimzi.io/v1beta2',
    kind: 'Kafka',
    metadata: { name, namespace: 'streaming', uid: `uid-${name}`, resourceVersion, generation: 1, ...metadata },
    spec,
  } as KubeObject;
}

export function refTo(name: string, more: Partial<ObjectRef> = {}): ObjectRef {
  return { ...refOf('test', state(name, '0', {})), ...more };
}

export function newChange(type: ChangeType, object: KubeObject, more: Partial<NewChange> & { cluster?: string } = {}): NewChange {
  const { cluster = 'test', ...fields } = more;
  const before = fields.before;
  const diff = type === 'DELETED' ? [] : before === undefined ? leavesOf(object) : diffValues(before, object);
  const { generation, resourceVersion, uid } = object.metadata;
  return {
    ref: refOf(cluster, object),
    ...{ uid, type, resourceVersion, before },
    origin: 'watch',
    observedMs: Number(resourceVersion) * 1_000,
    generation: typeof generation === 'number' ? generation : undefined,
    actor: FLUX,
    candidates: [FLUX],
    own: false,
    diff: diff.filter(({ path }) => !isBookkeepingPath(path)),
    state: object,
    ...fields,
  };
}

/** One object's life: each spec is one revision, resourceVersions `from`, `from + 1`, … */
export function history(name: string, specs: readonly JsonObject[], from: number): NewChange[] {
  let before: KubeObject | undefined;
  return specs.map((spec, i) => {
    const object = state(name, String(from + i), spec);
    const change = newChange(i === 0 ? 'ADDED' : 'MODIFIED', object, { before });
    before = object;
    return change;
  });
}
