import { isJsonObject, type Json, type JsonObject, jsonEqual } from '../domain/json.ts';
import type { KubeObject } from '../domain/object-ref.ts';
import { timestamp } from './calendar.ts';

/** Who writes, as the API server sees it: the authenticated name where an audit source states it, and the field manager. */
export interface Writer {
  /** Absent for writes that no audit policy covers, such as status. */
  actor?: string;
  manager: string;
  operation: 'Apply' | 'Update';
}

/** One entry of metadata.managedFields with its fields as `a\u0000b` leaf paths; lists are owned whole, as custom resources mostly have it. */
interface Owner {
  manager: string;
  operation: 'Apply' | 'Update';
  subresource: 'status' | undefined;
  timeMs: number;
  leaves: Set<string>;
  /** fieldsV1 of `leaves`, made when asked for. */
  tree: JsonObject | undefined;
}

const SEPARATOR = '\u0000';

/** The bookkeeping of field ownership of one object. */
export class FieldOwners {
  readonly #owners: Owner[] = [];

  /** Notes a write that turned `before` into `after`: what changed is the writer's from now on. */
  note(writer: Writer, status: boolean, before: JsonObject, after: JsonObject, nowMs: number): void {
    const changed: string[] = [];
    const gone: string[] = [];
    compare(before, after, '', changed, gone);
    const subresource = status ? 'status' : undefined;
    for (const owner of this.#owners)
      for (const leaf of [...changed, ...gone]) if (owner.leaves.delete(leaf)) owner.tree = undefined;
    let own = this.#owners.find(
      (owner) => owner.manager === writer.manager && owner.operation === writer.operation && owner.subresource === subresource,
    );
    // As in the real server, an update that only removes leaves no trace.
    if (changed.length > 0) {
      if (own === undefined) {
        own = {
          manager: writer.manager,
          operation: writer.operation,
          subresource,
          timeMs: nowMs,
          leaves: new Set(),
          tree: undefined,
        };
        this.#owners.push(own);
      }
      own.timeMs = nowMs;
      for (const leaf of changed) own.leaves.add(leaf);
      own.tree = undefined;
    }
    for (let i = this.#owners.length - 1; i >= 0; i--) if (this.#owners[i]!.leaves.size === 0) this.#owners.splice(i, 1);
  }

  toJson(apiVersion: string): Json[] {
    return this.#owners.map((owner) => {
      owner.tree ??= fieldTree(owner.leaves);
      return {
        manager: owner.manager,
        operation: owner.operation,
        apiVersion,
        time: timestamp(owner.timeMs),
        fieldsType: 'FieldsV1',
        fieldsV1: owner.tree,
        ...(owner.subresource === undefined ? {} : { subresource: owner.subresource }),
      };
    });
  }
}

/** The parts of an object that writers own. */
export function ownedParts(object: KubeObject): JsonObject {
  const { labels, annotations } = object.metadata;
  const parts: JsonObject = { metadata: { ...(labels && { labels }), ...(annotations && { annotations }) } };
  for (const key of Object.keys(object)) {
    if (key !== 'apiVersion' && key !== 'kind' && key !== 'metadata') parts[key] = object[key]!;
  }
  return parts;
}

function compare(before: Json | undefined, after: Json | undefined, path: string, changed: string[], gone: string[]): void {
  if (isJsonObject(after) && Object.keys(after).length > 0) {
    const old = isJsonObject(before) ? before : {};
    for (const key of Object.keys(after))
      compare(old[key], after[key], path === '' ? key : path + SEPARATOR + key, changed, gone);
    for (const key of Object.keys(old)) {
      if (!Object.hasOwn(after, key)) compare(old[key], undefined, path === '' ? key : path + SEPARATOR + key, changed, gone);
    }
  } else if (after === undefined && isJsonObject(before)) {
    for (const key of Object.keys(before)) compare(before[key], undefined, path + SEPARATOR + key, changed, gone);
  } else if (after === undefined) gone.push(path);
  else if (!jsonEqual(before, after)) changed.push(path);
}

function fieldTree(leaves: Set<string>): JsonObject {
  const root: JsonObject = {};
  for (const leaf of [...leaves].sort()) {
    let node = root;
    for (const segment of leaf.split(SEPARATOR)) {
      const key = `f:${segment}`;
      node[key] ??= {};
      node = node[key] as JsonObject;
    }
  }
  return root;
}
