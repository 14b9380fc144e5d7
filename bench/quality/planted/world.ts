/** What a clean stream has shown so far: which objects live, which of their fields move and with which others, who acts on what and when. */
const HOUR_MS = 3_600_000;
const FIELDS_MAX = 10;
/** Objects that move the same field in one commit: of more, each was made over with everything else and is nobody's mate. */
const CROWD_MAX = 60;

export type Tree = null | string | number | boolean | Tree[] | { [key: string]: Tree };

export interface StreamObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; resourceVersion: string; [key: string]: Tree | undefined };
  [key: string]: unknown;
}

/** A row of a stream; the rest is copied through. */
export interface StreamRow {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  ts: string;
  actor: string;
  object: StreamObject;
  [key: string]: unknown;
}

export interface Life {
  key: string;
  place: string;
  kind: string;
  object: StreamObject;
  alive: boolean;
  editsMs: number[];
  by: Set<string>;
  /** Path -> edits that moved it, and `a\0b` -> edits that moved both. */
  moved: Map<string, number>;
  together: Map<string, number>;
  /** `path\0key` of another object of the kind -> commits that moved this path in both. */
  mates: Map<string, number>;
}

export interface Person {
  actions: number;
  objects: Set<string>;
  places: Set<string>;
  kinds: Set<string>;
  hours: Float64Array;
}

export class World {
  readonly lives = new Map<string, Life>();
  readonly people = new Map<string, Person>();
  readonly kindEdits = new Map<string, number>();
  /** `kind\0path` -> edits of the kind that moved it. */
  readonly kindMoved = new Map<string, number>();
  /** Of the commit that is being seen, by kind and path: whose field it moved. */
  #commit: { name: string; moved: Map<string, Set<Life>> } = { name: '', moved: new Map() };

  see(row: StreamRow): void {
    const { object, actor } = row;
    const atMs = Date.parse(row.ts);
    const key = keyOf(object);
    const kind = `${object.apiVersion.split('/')[0]}/${object.kind}`;
    const place = `${kind}\u0000${object.metadata.namespace ?? ''}`;
    let life = this.lives.get(key);
    const commit = `${row.ts}\u0000${actor}`;
    if (commit !== this.#commit.name) {
      this.#countMates();
      this.#commit = { name: commit, moved: new Map() };
    }
    if (row.type === 'MODIFIED' && life?.alive === true) this.#count(life, object);
    if (life === undefined || (row.type === 'ADDED' && !life.alive)) {
      life = {
        key,
        place,
        kind,
        object,
        alive: true,
        editsMs: [],
        by: new Set(),
        moved: new Map(),
        together: new Map(),
        mates: new Map(),
      };
      this.lives.set(key, life);
    }
    life.object = object;
    life.alive = row.type !== 'DELETED';
    life.by.add(actor);
    if (row.type === 'MODIFIED') life.editsMs.push(atMs);
    let person = this.people.get(actor);
    if (person === undefined) {
      person = { actions: 0, objects: new Set(), places: new Set(), kinds: new Set(), hours: new Float64Array(168) };
      this.people.set(actor, person);
    }
    person.actions++;
    person.objects.add(key);
    person.places.add(place);
    person.kinds.add(kind);
    person.hours[hourOf(atMs)]!++;
  }

  #count(life: Life, next: StreamObject): void {
    const [before, after] = [leavesOf(life.object), leavesOf(next)];
    const moved = [...after].filter(([path, value]) => before.has(path) && before.get(path) !== value).map(([path]) => path);
    this.kindEdits.set(life.kind, (this.kindEdits.get(life.kind) ?? 0) + 1);
    for (const path of moved) {
      const inKind = `${life.kind}\u0000${path}`;
      life.moved.set(path, (life.moved.get(path) ?? 0) + 1);
      this.kindMoved.set(inKind, (this.kindMoved.get(inKind) ?? 0) + 1);
      const lives = this.#commit.moved.get(inKind);
      if (lives === undefined) this.#commit.moved.set(inKind, new Set([life]));
      else lives.add(life);
      if (moved.length > FIELDS_MAX) continue;
      for (const other of moved) {
        const pair = `${path}\u0000${other}`;
        if (other !== path) life.together.set(pair, (life.together.get(pair) ?? 0) + 1);
      }
    }
  }

  #countMates(): void {
    for (const [inKind, lives] of this.#commit.moved) {
      if (lives.size > CROWD_MAX) continue;
      const path = inKind.slice(inKind.indexOf('\u0000') + 1);
      for (const life of lives) {
        for (const mate of lives) {
          const pair = `${path}\u0000${mate.key}`;
          if (mate !== life) life.mates.set(pair, (life.mates.get(pair) ?? 0) + 1);
        }
      }
    }
  }
}

export function keyOf({ apiVersion, kind, metadata }: StreamObject): string {
  return [apiVersion.split('/')[0], kind, metadata.namespace ?? '', metadata.name].join('\u0000');
}

export function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS) % 168;
}

/** Plain values by path, of everything but metadata. */
export function leavesOf(object: StreamObject): Map<string, string | number | boolean> {
  const leaves = new Map<string, string | number | boolean>();
  const walk = (tree: unknown, path: string) => {
    if (Array.isArray(tree)) for (const [i, item] of tree.entries()) walk(item, `${path}/${i}`);
    else if (typeof tree === 'object' && tree !== null) {
      for (const [name, item] of Object.entries(tree)) walk(item, `${path}/${name.replaceAll('/', '~1')}`);
    } else if (typeof tree === 'string' || typeof tree === 'number' || typeof tree === 'boolean') leaves.set(path, tree);
  };
  for (const [name, tree] of Object.entries(object)) {
    if (name !== 'metadata' && name !== 'apiVersion' && name !== 'kind' && name !== 'status') walk(tree, `/${name}`);
  }
  return leaves;
}

/** A copy of the object with another value at that path. */
export function withLeaf(object: StreamObject, path: string, value: string | number | boolean): StreamObject {
  const copy = structuredClone(object);
  const names = path
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/'));
  const last = names.pop() as string;
  let at = copy as unknown as Record<string, unknown>;
  for (const name of names) at = at[name] as Record<string, unknown>;
  at[last] = value;
  return copy;
}

/** An identity made of the first 32 hexadecimal digits. */
export function uidOf(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
