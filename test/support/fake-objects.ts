/**
 * The objects of the fake API server: one rising resourceVersion for all, a history that can be compacted, uids anew for each life,
 * generation that moves with everything but metadata and status, and managedFields by writer.
 */
import { isDeepStrictEqual } from 'node:util';
import { checkEvent } from './fake-events.ts';

export interface FakeKind {
  group: string;
  version: string;
  kind: string;
  plural: string;
  /** Default true. */
  namespaced?: boolean;
  /** Other versions served besides `version`, which is the preferred one. */
  otherVersions?: string[];
  /** Default get, list, watch, create, update, patch, delete. */
  verbs?: string[];
}

// biome-ignore lint/suspicious/noExplicitAny: tests write and read objects of any shape.
export type FakeObject = Record<string, any>;

export interface FakeBackup {
  resourceVersion: number;
  stored: ReadonlyMap<string, FakeObject>;
}

export interface WatchRecord {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  kind: FakeKind;
  resourceVersion: number;
  object: FakeObject;
}

export interface Target {
  kind: FakeKind;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

interface WriteRequest {
  method: string;
  contentType: string;
  body: FakeObject;
  manager: string;
}

/** Thrown to answer with a Status. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly reason: string;
  readonly headers: Record<string, string>;
  constructor(status: number, reason: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
  body(): FakeObject {
    const { status: code, reason, message } = this;
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
  }
}

/** Always served, as by every real server; not custom resources. */
const ALWAYS: FakeKind[] = [
  { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events' },
  {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    namespaced: false,
  },
];

export class FakeObjects {
  kinds: FakeKind[];
  resourceVersion = 1000;
  /** Watches from below this are expired. */
  compactedAt = 0;
  /** Every resourceVersion that was given to an object of a custom kind, in order. */
  readonly versions: number[] = [];
  onEvent: (record: WatchRecord) => void = () => {};
  #history: WatchRecord[] = [];
  readonly #stored = new Map<string, FakeObject>();
  /** What is left of lists under way, by continue token; undefined once compacted. */
  readonly #snapshots = new Map<string, { at: number; left: FakeObject[] } | undefined>();
  #uids = 0;

  constructor(kinds: FakeKind[]) {
    this.kinds = [...ALWAYS];
    for (const kind of kinds) this.addKind(kind);
  }

  addKind(kind: FakeKind): void {
    this.kinds = [...this.kinds.filter((known) => known.plural !== kind.plural || known.group !== kind.group), kind];
    this.put({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${kind.plural}.${kind.group}` },
      spec: {
        group: kind.group,
        names: { kind: kind.kind, plural: kind.plural },
        versions: [{ name: kind.version, served: true, storage: true }],
      },
    });
  }

  /** As when a CRD is deleted: its objects go first. */
  removeKind(plural: string): void {
    const kind = this.kinds.find((known) => known.plural === plural);
    if (kind === undefined) throw new Error(`no kind with plural ${plural}`);
    for (const object of this.all(kind)) this.delete(kind, object.metadata.namespace ?? '', object.metadata.name);
    this.kinds = this.kinds.filter((known) => known !== kind);
    this.delete(this.kindNamed('CustomResourceDefinition'), '', `${kind.plural}.${kind.group}`);
  }

  kindNamed(name: string): FakeKind {
    const kind = this.kinds.find((known) => known.kind === name);
    if (kind === undefined) throw new Error(`the fake API server serves no kind ${name}`);
    return kind;
  }

  all(kind: FakeKind, namespace?: string): FakeObject[] {
    const prefix = `${kind.group}/${kind.plural}/`;
    return [...this.#stored]
      .filter(([key]) => key.startsWith(prefix))
      .map(([, object]) => object)
      .filter((object) => namespace === undefined || object.metadata.namespace === namespace)
      .sort((a, b) => (keyIn(a) < keyIn(b) ? -1 : 1));
  }

  get(kind: FakeKind, namespace: string, name: string): FakeObject {
    const object = this.#stored.get(keyOf(kind, namespace, name));
    if (object === undefined) throw new HttpProblem(404, 'NotFound', `${kind.plural}.${kind.group} "${name}" not found`);
    return object;
  }

  /** Creates or replaces; `uid` and `resourceVersion` given by the caller are kept only for a new object's uid. */
  put(object: FakeObject, manager = 'test'): FakeObject {
    const kind = this.#kindOf(object);
    const namespace = object.metadata.namespace ?? '';
    const key = keyOf(kind, namespace, object.metadata.name);
    const before = this.#stored.get(key);
    const next = structuredClone(object);
    const metadata = next.metadata;
    metadata.uid = before?.metadata.uid ?? metadata.uid ?? this.#uid();
    metadata.creationTimestamp = before?.metadata.creationTimestamp ?? stamp(this.resourceVersion);
    metadata.generation = before?.metadata.generation ?? 1;
    metadata.resourceVersion = before?.metadata.resourceVersion;
    if (before !== undefined && isDeepStrictEqual(bare(before), bare(next))) return before;
    if (before !== undefined && !isDeepStrictEqual(withoutStatus(before), withoutStatus(next))) metadata.generation += 1;
    const version = ++this.resourceVersion;
    metadata.resourceVersion = String(version);
    metadata.managedFields = managedBy(before, manager, next, version);
    this.#stored.set(key, next);
    this.#record({ type: before === undefined ? 'ADDED' : 'MODIFIED', kind, resourceVersion: version, object: next });
    return next;
  }

  delete(kind: FakeKind, namespace: string, name: string): FakeObject {
    const object = structuredClone(this.get(kind, namespace, name));
    this.#stored.delete(keyOf(kind, namespace, name));
    const version = ++this.resourceVersion;
    object.metadata.resourceVersion = String(version);
    this.#record({ type: 'DELETED', kind, resourceVersion: version, object });
    return object;
  }

  compact(): void {
    this.compactedAt = ++this.resourceVersion;
    this.#history = [];
    for (const token of this.#snapshots.keys()) this.#snapshots.set(token, undefined);
  }

  /** All that is stored, for `restore`. */
  backup(): FakeBackup {
    return { resourceVersion: this.resourceVersion, stored: new Map(this.#stored) };
  }

  /** As when etcd is restored from a backup: objects and resourceVersions are those of then, and there is no history. */
  restore(backup: FakeBackup): void {
    this.#stored.clear();
    for (const [key, object] of backup.stored) this.#stored.set(key, object);
    this.resourceVersion = backup.resourceVersion;
    this.compactedAt = backup.resourceVersion;
    this.#history = [];
    this.#snapshots.clear();
  }

  initialEvents(kind: FakeKind): WatchRecord[] {
    return this.all(kind).map((object) => ({
      type: 'ADDED',
      kind,
      resourceVersion: Number(object.metadata.resourceVersion),
      object,
    }));
  }

  eventsSince(kind: FakeKind, resourceVersion: number): WatchRecord[] {
    return this.#history.filter(
      (record) =>
        record.kind.plural === kind.plural && record.kind.group === kind.group && record.resourceVersion > resourceVersion,
    );
  }

  /** A page. All pages of a list show the state of its first one, as etcd's snapshots do. */
  list(kind: FakeKind, namespace: string | undefined, query: Record<string, string>, expired: boolean): FakeObject {
    const token = query.continue === undefined ? undefined : this.#snapshots.get(query.continue);
    if (query.continue !== undefined && (token === undefined || expired)) {
      throw new HttpProblem(410, 'Expired', 'The provided continue parameter is too old to display a consistent list result.');
    }
    const { at, left } = token ?? { at: this.resourceVersion, left: this.all(kind, namespace) };
    const limit = Number(query.limit ?? '0');
    const items = limit > 0 ? left.slice(0, limit) : left;
    const metadata: FakeObject = { resourceVersion: String(at) };
    if (items.length < left.length) {
      metadata.continue = `snapshot-${this.#snapshots.size}`;
      metadata.remainingItemCount = left.length - items.length;
      this.#snapshots.set(metadata.continue, { at, left: left.slice(items.length) });
    }
    const apiVersion = `${kind.group}/${kind.version}`;
    return { apiVersion, kind: `${kind.kind}List`, metadata, items: items.map((item) => ({ ...item, apiVersion })) };
  }

  /** Takes a path apart; throws 404 for what is not served. */
  target(path: string): Target {
    const match = /^\/apis\/([^/]+)\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path);
    const [, group, version, namespace, plural, name, subresource] = match ?? [];
    const kind = this.kinds.find((known) => known.group === group && known.plural === plural);
    const served = kind !== undefined && [kind.version, ...(kind.otherVersions ?? [])].includes(version ?? '');
    if (!served) throw new HttpProblem(404, 'NotFound', 'the server could not find the requested resource');
    return { kind: { ...kind, version: version as string }, namespace, name, subresource };
  }

  write(target: Target, request: WriteRequest): FakeObject {
    const { kind, namespace = '', name } = target;
    const { method, body, manager } = request;
    const apiVersion = `${kind.group}/${kind.version}`;
    if (method === 'POST') {
      if (kind.plural === 'events') checkEvent(body, namespace);
      const key = keyOf(kind, namespace, body.metadata?.name ?? '');
      if (this.#stored.has(key))
        throw new HttpProblem(409, 'AlreadyExists', `${kind.plural} "${body.metadata.name}" already exists`);
      return this.put(
        { apiVersion, kind: kind.kind, ...body, metadata: { ...body.metadata, ...(namespace === '' ? {} : { namespace }) } },
        manager,
      );
    }
    if (name === undefined) throw new HttpProblem(405, 'MethodNotAllowed', 'name a resource');
    if (method === 'DELETE') return this.delete(kind, namespace, name);
    const applying = request.contentType === 'application/apply-patch+yaml';
    const stored = this.#stored.get(keyOf(kind, namespace, name));
    if (stored === undefined && applying) {
      return this.put(
        {
          ...body,
          apiVersion,
          kind: kind.kind,
          metadata: { ...body.metadata, name, ...(namespace === '' ? {} : { namespace }) },
        },
        manager,
      );
    }
    const before = stored ?? this.get(kind, namespace, name);
    checkPrecondition(before, body, kind);
    const merged = method === 'PUT' ? body : mergePatch(before, this.#patchOf(request));
    const next = target.subresource === 'status' ? { ...before, status: merged.status } : merged;
    return this.put(
      { ...next, apiVersion, kind: kind.kind, metadata: { ...next.metadata, name, uid: before.metadata.uid } },
      manager,
    );
  }

  #patchOf(request: WriteRequest): FakeObject {
    const known = ['application/merge-patch+json', 'application/apply-patch+yaml', 'application/strategic-merge-patch+json'];
    if (known.includes(request.contentType)) return request.body;
    throw new HttpProblem(415, 'UnsupportedMediaType', `this fake knows no ${request.contentType}`);
  }

  #kindOf(object: FakeObject): FakeKind {
    const group = String(object.apiVersion).split('/')[0];
    const kind = this.kinds.find((known) => known.group === group && known.kind === object.kind);
    if (kind === undefined) throw new Error(`the fake API server serves no ${object.apiVersion} ${object.kind}`);
    return kind;
  }

  #record(record: WatchRecord): void {
    if (!ALWAYS.includes(record.kind)) this.versions.push(record.resourceVersion);
    this.#history.push(record);
    this.onEvent(record);
  }

  #uid(): string {
    return `00000000-0000-4000-8000-${String(++this.#uids).padStart(12, '0')}`;
  }
}

function checkPrecondition(before: FakeObject, body: FakeObject, kind: FakeKind): void {
  for (const field of ['uid', 'resourceVersion']) {
    const wanted = body.metadata?.[field];
    if (wanted === undefined || wanted === before.metadata[field]) continue;
    throw new HttpProblem(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${kind.plural} "${before.metadata.name}": the object has been modified`,
    );
  }
}

/** RFC 7396, the metadata the server owns left alone. */
function mergePatch(target: unknown, patch: unknown): FakeObject {
  if (!isObject(patch)) return patch as FakeObject;
  const merged: FakeObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? mergePatch(merged[key], value) : value;
  }
  return merged;
}

/** The writer's entry gets the fields it changed, at a time one second further for each resourceVersion; other entries stay. */
function managedBy(before: FakeObject | undefined, manager: string, object: FakeObject, version: number): FakeObject[] {
  const entries: FakeObject[] = before?.metadata.managedFields ?? [];
  const own = entries.find((entry) => entry.manager === manager);
  const fields = structuredClone(own?.fieldsV1 ?? {});
  changedFields(before, object, fields);
  delete fields['f:apiVersion'];
  delete fields['f:kind'];
  if (fields['f:metadata'] !== undefined) {
    for (const key of ['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields'])
      delete fields['f:metadata'][`f:${key}`];
    if (Object.keys(fields['f:metadata']).length === 0) delete fields['f:metadata'];
  }
  const entry = {
    manager,
    operation: 'Update',
    apiVersion: object.apiVersion,
    time: stamp(version),
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
  };
  return [...entries.filter((known) => known !== own), entry];
}

/** Adds `f:` members for what differs; lists count as one value. */
function changedFields(before: unknown, after: FakeObject, into: FakeObject): void {
  for (const [key, value] of Object.entries(after)) {
    const old = isObject(before) ? before[key] : undefined;
    if (isDeepStrictEqual(old, value)) continue;
    const inner: FakeObject = into[`f:${key}`] ?? {};
    into[`f:${key}`] = inner;
    if (isObject(value)) changedFields(old, value, inner);
  }
}

function bare(object: FakeObject): FakeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, apiVersion: undefined, metadata };
}

function withoutStatus(object: FakeObject): FakeObject {
  return { ...object, apiVersion: undefined, metadata: undefined, status: undefined };
}

function keyOf(kind: FakeKind, namespace: string, name: string): string {
  return `${kind.group}/${kind.plural}/${namespace}/${name}`;
}

function keyIn(object: FakeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function stamp(version: number): string {
  return new Date(Date.UTC(2026, 0, 5) + version * 1000).toISOString().replace('.000Z', 'Z');
}

function isObject(value: unknown): value is FakeObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
