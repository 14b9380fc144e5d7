/** Strings that come again and again are stored once and named by a small number: kinds, namespaces, versions, actors, path sets. */
import type Database from 'better-sqlite3';
import { type Actor, UNKNOWN_ACTOR } from '../../domain/change.ts';
import type { FieldDiff } from '../../domain/diff/field-diff.ts';
import { genericPath, isListItem } from '../../domain/field-path.ts';
import { resourceKey } from '../../domain/object-ref.ts';
import { Recent } from '../../domain/recent.ts';
import { ByteReader, ByteWriter } from '../pack/varint.ts';
import { corruptRecord, storedJson } from '../store-errors.ts';

const CACHED_MAX = 20_000;
/** The parent of a path of one segment; no row has it. */
const ROOT_ID = 0;

export interface Resource {
  id: number;
  cluster: string;
  group: string;
  kind: string;
}

/** Bounds on telling the items of lists apart in sets of paths. */
const ITEMS_PER_SET = 4;
const ITEMS_PER_LIST = 32;
const SETS_PER_PATH = 512;

/** Who may have made a change. Shared by all changes that have it: not to be modified. */
export interface ActorSet {
  actor: Actor;
  candidates: Actor[];
}

export class Interning {
  readonly #resources: ResourceTable;
  readonly #namespaces: TextTable;
  readonly #versions: TextTable;
  readonly #paths: PathTree;
  readonly #actorIds = new Recent<string, number>(CACHED_MAX);
  /** By the very list, as the same writers are often given as the same object. */
  #actorIdsOf = new WeakMap<readonly Actor[], { actor: Actor; id: number }>();
  readonly #actorSets = new Recent<number, ActorSet>(CACHED_MAX);
  /** With how many paths each was asked for: a line feed in a name may make the text of one set that of another. */
  readonly #pathsetIds = new Recent<string, { id: number; paths: number }>(CACHED_MAX);
  readonly #pathsets = new Recent<number, string[]>(CACHED_MAX);
  readonly #exactPaths = new Recent<number, string[]>(CACHED_MAX);
  readonly #sql;

  constructor(db: Database.Database) {
    this.#resources = new ResourceTable(db);
    this.#namespaces = new TextTable(db, 'namespace');
    this.#versions = new TextTable(db, 'version');
    this.#paths = new PathTree(db);
    this.#sql = {
      namespaceIds: db.prepare<[], number>('SELECT id FROM namespace').pluck(),
      actorSetId: db.prepare<[string], number>('SELECT id FROM actor_set WHERE candidates = ?').pluck(),
      actorSetAdd: db.prepare<[string, string]>('INSERT INTO actor_set (name, candidates) VALUES (?, ?)'),
      actorSet: db.prepare<[number], string>('SELECT candidates FROM actor_set WHERE id = ?').pluck(),
      actorSetsByName: db.prepare<[string], number>('SELECT id FROM actor_set WHERE name = ?').pluck(),
      pathsetId: db.prepare<[Buffer], number>('SELECT id FROM pathset WHERE paths = ?').pluck(),
      pathsetAdd: db.prepare<[Buffer]>('INSERT INTO pathset (paths) VALUES (?)'),
      pathset: db.prepare<[number], Buffer>('SELECT paths FROM pathset WHERE id = ?').pluck(),
      pathsetsByPath: db.prepare<[number], number>('SELECT pathset_id FROM path_pathset WHERE path_id = ?').pluck(),
      pathMember: db.prepare<[number, number]>('INSERT INTO path_pathset (path_id, pathset_id) VALUES (?, ?)'),
    };
  }

  /** Forgets everything cached: ids given within a transaction that was rolled back are not to be used. */
  forget(): void {
    this.#resources.forget();
    this.#actorIdsOf = new WeakMap();
    for (const cache of [this.#namespaces, this.#versions, this.#paths]) cache.forget();
    for (const cache of [this.#actorIds, this.#actorSets, this.#pathsetIds, this.#pathsets, this.#exactPaths]) cache.clear();
  }

  resourceId(cluster: string, group: string, kind: string): number {
    return this.#resources.intern(cluster, group, kind);
  }
  /** The resources that match what is given; undefined fields match all. */
  resources(match: { cluster?: string; group?: string; kind?: string }): Resource[] {
    return this.#resources.find(match);
  }
  resource(id: number): Resource {
    return this.#resources.get(id);
  }

  namespaceId(name: string): number {
    return this.#namespaces.intern(name);
  }
  namespaceIdIfKnown(name: string): number | undefined {
    return this.#namespaces.id(name);
  }
  namespace(id: number): string {
    return this.#namespaces.text(id);
  }

  namespaceIds(): number[] {
    return this.#sql.namespaceIds.all();
  }

  versionId(name: string): number {
    return this.#versions.intern(name);
  }
  version(id: number): string {
    return this.#versions.text(id);
  }

  /** Neither is modified afterwards. */
  actorSetId(actor: Actor, candidates: readonly Actor[]): number {
    const met = this.#actorIdsOf.get(candidates);
    if (met?.actor === actor) return met.id;
    const id = this.#actorSetId(actor, candidates);
    this.#actorIdsOf.set(candidates, { actor, id });
    return id;
  }

  #actorSetId(actor: Actor, candidates: readonly Actor[]): number {
    const said = textOf(actor, candidates);
    const known = this.#actorIds.get(said);
    if (known !== undefined) return known;
    const place = candidates.findIndex((candidate) => sameActor(candidate, actor));
    const actors = place < 0 ? [actor, ...candidates] : candidates;
    const key = JSON.stringify([place, ...actors.map(packActor)]);
    const id = this.#sql.actorSetId.get(key) ?? Number(this.#sql.actorSetAdd.run(actor.name, key).lastInsertRowid);
    this.#actorIds.set(said, id);
    return id;
  }
  actorSet(id: number): ActorSet {
    let set = this.#actorSets.get(id);
    if (set === undefined) {
      const stored = storedJson(this.#sql.actorSet.get(id) ?? '[-1]', 'who made a change', `actor_set ${id}`);
      const [place, ...packed] = stored as [number, ...PackedActor[]];
      const actors = packed.map(unpackActor);
      set = { actor: actors[Math.max(place, 0)] ?? UNKNOWN_ACTOR, candidates: place < 0 ? actors.slice(1) : actors };
      this.#actorSets.set(id, set);
    }
    return set;
  }
  actorSetsByName(name: string): number[] {
    return this.#sql.actorSetsByName.all(name);
  }

  /**
   * The set of paths a diff touches; undefined for none. Items of lists are told apart where that does not make too many sets. `lines` are its
   * paths, each behind a line feed, where they are at hand.
   */
  pathsetId(diff: readonly FieldDiff[], lines?: string): number | undefined {
    if (diff.length === 0) return undefined;
    // As they come: in another order they are another way to say the same.
    let key = lines ?? '';
    if (lines === undefined) for (const { path } of diff) key += `\n${path}`;
    const cached = this.#pathsetIds.get(key);
    if (cached?.paths === diff.length) return cached.id;
    const exact = sorted(diff.map(({ path }) => path));
    const generic = sorted(diff.map((one) => one.generic));
    const id = this.#exactSet(exact, generic) ?? this.#setOf(generic, generic);
    this.#pathsetIds.set(key, { id, paths: diff.length });
    return id;
  }

  /** Undefined where telling items apart would make too many paths or sets, as where each change brings an item of another name. */
  #exactSet(exact: readonly string[], generic: readonly string[]): number | undefined {
    const items = new Set(exact.flatMap(itemsIn));
    if (items.size === 0 || items.size > ITEMS_PER_SET) return undefined;
    const ids = exact.map((path) => this.#paths.id(path));
    const isNew = ids.includes(undefined) || this.#sql.pathsetId.get(packAscending(ascending(ids as number[]))) === undefined;
    if (isNew) {
      for (const item of items) {
        const list = item.slice(0, item.lastIndexOf('/'));
        if (this.#paths.id(item) === undefined && this.#paths.branches(list) >= ITEMS_PER_LIST) return undefined;
      }
      for (const path of generic) if (path.includes('[*]') && this.pathsetsByPath(path).length >= SETS_PER_PATH) return undefined;
    }
    return this.#setOf(exact, generic);
  }

  #setOf(paths: readonly string[], generic: readonly string[]): number {
    const packed = packAscending(ascending(paths.map((path) => this.#paths.intern(path))));
    const known = this.#sql.pathsetId.get(packed);
    if (known !== undefined) return known;
    const id = Number(this.#sql.pathsetAdd.run(packed).lastInsertRowid);
    for (const path of generic) this.#sql.pathMember.run(this.#paths.intern(path), id);
    return id;
  }

  /** The generic paths of a set, sorted. */
  pathset(id: number): string[] {
    let paths = this.#pathsets.get(id);
    if (paths === undefined) {
      paths = sorted(this.exactPaths(id).map(genericPath));
      this.#pathsets.set(id, paths);
    }
    return paths;
  }

  /** The same with items of lists told apart where the record does. */
  exactPaths(id: number): string[] {
    let paths = this.#exactPaths.get(id);
    if (paths === undefined) {
      paths = unpackAscending(this.#sql.pathset.get(id) ?? Buffer.alloc(0)).map((pathId) => this.#paths.text(pathId));
      this.#exactPaths.set(id, paths);
    }
    return paths;
  }

  pathId(path: string): number {
    return this.#paths.intern(path);
  }
  pathIdIfKnown(path: string): number | undefined {
    return this.#paths.id(path);
  }

  /** The sets with a generic path. */
  pathsetsByPath(path: string): number[] {
    const id = this.#paths.id(path);
    return id === undefined ? [] : this.#sql.pathsetsByPath.all(id);
  }
}

/** The paths of the list items that lead to a path. */
function itemsIn(path: string): string[] {
  if (!path.includes('[')) return [];
  const segments = path.split('/');
  return segments.flatMap((segment, i) => (isListItem(segment) ? [segments.slice(0, i + 1).join('/')] : []));
}

/** Tells sets of actors apart, for less than the JSON that is stored of them. */
function textOf(actor: Actor, candidates: readonly Actor[]): string {
  let text = wordsOf(actor);
  for (const candidate of candidates) text += candidate === actor ? '\n=' : `\n${wordsOf(candidate)}`;
  return text;
}

/** Each word with its length before it, so that none can be taken for several. */
function wordsOf(actor: Actor): string {
  let words = `${actor.source} ${actor.confidence} ${actor.name.length} ${actor.name}`;
  for (const key of OPTIONAL) {
    const word = actor[key];
    words += word === undefined ? ' -' : ` ${word.length} ${word}`;
  }
  return words;
}

/** Each once, in order, as the file has them: halves of characters are all the same to it. */
function sorted(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => path.toWellFormed()))].sort();
}

function ascending(ids: number[]): number[] {
  return ids.sort((a, b) => a - b);
}

/** A table of (id, name), name unique. */
class TextTable {
  readonly #ids = new Recent<string, number>(CACHED_MAX);
  readonly #texts = new Recent<number, string>(CACHED_MAX);
  readonly #find: Database.Statement<[string], number>;
  readonly #add: Database.Statement<[string]>;
  readonly #get: Database.Statement<[number], string>;

  constructor(db: Database.Database, table: 'namespace' | 'version') {
    this.#find = db.prepare<[string], number>(`SELECT id FROM ${table} WHERE name = ?`).pluck();
    this.#add = db.prepare<[string]>(`INSERT INTO ${table} (name) VALUES (?)`);
    this.#get = db.prepare<[number], string>(`SELECT name FROM ${table} WHERE id = ?`).pluck();
  }

  id(text: string): number | undefined {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.#find.get(text);
    if (id !== undefined) this.#ids.set(text, id);
    return id;
  }

  intern(text: string): number {
    let id = this.id(text);
    if (id === undefined) {
      id = Number(this.#add.run(text).lastInsertRowid);
      this.#ids.set(text, id);
    }
    return id;
  }

  text(id: number): string {
    let text = this.#texts.get(id);
    if (text === undefined) {
      text = this.#get.get(id) ?? '';
      this.#texts.set(id, text);
    }
    return text;
  }

  forget(): void {
    this.#ids.clear();
    this.#texts.clear();
  }
}

/** How much a letter weighs in the place of a segment, those from its end first; any numbers that mix well do. */
const LETTER_WEIGHTS = [
  ...[1, 31, 961, 29791, 923521, 17, 557, 7919],
  ...[104729, 611953, 3571, 65537, 224737, 15485, 86028, 399989],
];

/**
 * What the index on paths tells those under one path apart by, word for word as in migration 16: a number of the last eight letters and of eight spread
 * over the segment. A whole segment in the index would be stored twice.
 */
function placeOf(segment: string): string {
  const terms = LETTER_WEIGHTS.map((weight, i) => {
    const letter = i < 8 ? `${-(i + 1)}` : `length(${segment}) * ${i - 7} / 9`;
    return `coalesce(unicode(substr(${segment}, ${letter}, 1)), 0) * ${weight}`;
  });
  return `(${terms.join(' + ')}) % 8388593`;
}

/** Field paths, each kept as its last segment under the path it continues. */
class PathTree {
  readonly #ids = new Recent<string, number>(CACHED_MAX);
  readonly #texts = new Recent<number, string>(CACHED_MAX);
  readonly #find: Database.Statement<{ parent: number; segment: string }, number>;
  readonly #add: Database.Statement<[number, string]>;
  readonly #branches: Database.Statement<[number], number>;
  readonly #get: Database.Statement<[number], { parent: number; segment: string }>;

  constructor(db: Database.Database) {
    this.#find = db
      .prepare<{ parent: number; segment: string }, number>(
        `SELECT id FROM path WHERE parent_id = @parent AND ${placeOf('segment')} = ${placeOf('@segment')} AND segment = @segment`,
      )
      .pluck();
    this.#add = db.prepare<[number, string]>('INSERT INTO path (parent_id, segment) VALUES (?, ?)');
    this.#branches = db.prepare<[number], number>('SELECT count(*) FROM path WHERE parent_id = ?').pluck();
    this.#get = db.prepare<[number], { parent: number; segment: string }>(
      'SELECT parent_id AS parent, segment FROM path WHERE id = ?',
    );
  }

  id(path: string): number | undefined {
    return this.#resolve(path, false);
  }

  intern(path: string): number {
    return this.#resolve(path, true) as number;
  }

  /** How many paths go on from this one. */
  branches(path: string): number {
    const id = this.id(path);
    return id === undefined ? 0 : (this.#branches.get(id) ?? 0);
  }

  text(id: number): string {
    if (id === ROOT_ID) return '';
    let text = this.#texts.get(id);
    if (text === undefined) {
      const row = this.#get.get(id);
      if (row === undefined) throw corruptRecord('a field path is missing', `path ${id}`);
      text = `${this.text(row.parent)}/${row.segment}`;
      this.#texts.set(id, text);
    }
    return text;
  }

  forget(): void {
    this.#ids.clear();
    this.#texts.clear();
  }

  #resolve(path: string, add: boolean): number | undefined {
    if (path === '') return ROOT_ID;
    const cached = this.#ids.get(path);
    if (cached !== undefined) return cached;
    const slash = path.lastIndexOf('/');
    const parent = this.#resolve(path.slice(0, Math.max(slash, 0)), add);
    if (parent === undefined) return undefined;
    const segment = path.slice(slash + 1);
    let id = this.#find.get({ parent, segment });
    if (id === undefined && add) id = Number(this.#add.run(parent, segment).lastInsertRowid);
    if (id !== undefined) this.#ids.set(path, id);
    return id;
  }
}

/** The resources are few (kinds times clusters), so all of them are kept in memory. */
class ResourceTable {
  readonly #byKey = new Map<string, Resource>();
  readonly #byId = new Map<number, Resource>();
  /** Asked for last: one change after the other is of it. */
  #last: Resource | undefined;
  readonly #all: Database.Statement<[], Resource>;
  readonly #add: Database.Statement<[string, string, string]>;
  #loaded = false;

  constructor(db: Database.Database) {
    this.#all = db.prepare<[], Resource>('SELECT id, cluster, grp AS "group", kind FROM resource');
    this.#add = db.prepare<[string, string, string]>('INSERT INTO resource (cluster, grp, kind) VALUES (?, ?, ?)');
  }

  intern(cluster: string, group: string, kind: string): number {
    const last = this.#last;
    if (last !== undefined && last.kind === kind && last.group === group && last.cluster === cluster) return last.id;
    this.#load();
    const key = resourceKey({ cluster, group, kind });
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      this.#last = known;
      return known.id;
    }
    const id = Number(this.#add.run(cluster, group, kind).lastInsertRowid);
    this.#keep({ id, cluster, group, kind });
    return id;
  }

  find(match: { cluster?: string; group?: string; kind?: string }): Resource[] {
    this.#load();
    return [...this.#byId.values()].filter(
      (resource) =>
        (match.cluster === undefined || resource.cluster === match.cluster) &&
        (match.group === undefined || resource.group === match.group) &&
        (match.kind === undefined || resource.kind === match.kind),
    );
  }

  get(id: number): Resource {
    this.#load();
    return this.#byId.get(id) ?? { id, cluster: '', group: '', kind: '' };
  }

  forget(): void {
    this.#byKey.clear();
    this.#byId.clear();
    this.#last = undefined;
    this.#loaded = false;
  }

  #load(): void {
    if (this.#loaded) return;
    for (const resource of this.#all.all()) this.#keep(resource);
    this.#loaded = true;
  }

  #keep(resource: Resource): void {
    this.#byKey.set(resourceKey(resource), resource);
    this.#byId.set(resource.id, resource);
  }
}

type Optional = 'operation' | 'impersonatedBy' | 'fieldManager';
const OPTIONAL: readonly Optional[] = ['operation', 'impersonatedBy', 'fieldManager'];
/** The optional members follow in the order above, null for one that is absent before one that is there. */
type PackedActor = [name: string, source: Actor['source'], confidence: number, ...optional: (string | null)[]];

function packActor(actor: Actor): PackedActor {
  const packed: PackedActor = [actor.name, actor.source, actor.confidence];
  const last = OPTIONAL.findLastIndex((key) => actor[key] !== undefined);
  for (let i = 0; i <= last; i++) packed.push(actor[OPTIONAL[i] as Optional] ?? null);
  return packed;
}

function unpackActor([name, source, confidence, ...optional]: PackedActor): Actor {
  const actor: Actor = { name, source, confidence };
  for (const [i, value] of optional.entries()) {
    const key = OPTIONAL[i];
    if (key !== undefined && value !== null) actor[key] = value;
  }
  return actor;
}

function sameActor(a: Actor, b: Actor): boolean {
  const same = a.name === b.name && a.source === b.source && a.confidence === b.confidence;
  return same && OPTIONAL.every((key) => a[key] === b[key]);
}

function packAscending(ids: readonly number[]): Buffer {
  const writer = new ByteWriter();
  let previous = 0;
  for (const id of ids) {
    writer.varint(id - previous);
    previous = id;
  }
  return writer.finish();
}

function unpackAscending(packed: Buffer): number[] {
  const reader = new ByteReader(packed);
  const ids: number[] = [];
  let previous = 0;
  while (!reader.done) {
    previous += reader.varint();
    ids.push(previous);
  }
  return ids;
}
