/** The objects that the files of a GitOps repository amount to, commit after commit, and what a watch on them would have told. */
import { posix } from 'node:path';
import { type StreamRow, uidOf } from '../planted/world.ts';
import type { Commit } from './commits.ts';
import { hashOf, isKustomizeFile, isManifest, namespaceOf, type Resource, resourcesOf, textOf } from './documents.ts';

/** resourceVersions rise by 1 to this, as others write too. */
const VERSION_STEP_MAX = 23;

/** An object while it lives. */
interface Life {
  /** Group, kind, namespace and name as the file says; several folders may hold the same. */
  name: string;
  /** The same with the namespace it has here. */
  key: string;
  namespace: string | undefined;
  resource: Resource;
  uid: string;
  generation: number;
  created: string;
}

type Told = Pick<StreamRow, 'type' | 'object'>;

export class GitOpsCluster {
  readonly #random: () => number;
  /** Text and objects of each file that may hold some. */
  readonly #files = new Map<string, { text: string; lives: Life[] }>();
  /** By folder. */
  readonly #namespaces = new Map<string, string>();
  readonly #alive = new Map<string, Life>();
  #version = 1_000;
  #lives = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** What the commit does to objects: one row for each that came, changed or went. `texts`: of its blobs, where they can be had. */
  apply(commit: Commit, texts: ReadonlyMap<string, string>, ts: string): Told[] {
    const next = new Map<string, string>();
    for (const { path, blob } of commit.files) {
      if (!isManifest(path)) continue;
      const text = (blob === undefined ? undefined : texts.get(blob)) ?? '';
      if (isKustomizeFile(path)) this.#moveTo(posix.dirname(path), namespaceOf(text), next);
      else next.set(path, text);
    }
    return this.#replace(next, ts);
  }

  /** Another namespace for a folder: everything under it is looked at anew. */
  #moveTo(folder: string, namespace: string | undefined, next: Map<string, string>): void {
    if (this.#namespaces.get(folder) === namespace) return;
    if (namespace === undefined) this.#namespaces.delete(folder);
    else this.#namespaces.set(folder, namespace);
    const under = folder === '.' ? '' : `${folder}/`;
    for (const [path, { text }] of this.#files) if (path.startsWith(under) && !next.has(path)) next.set(path, text);
  }

  #replace(next: ReadonlyMap<string, string>, ts: string): Told[] {
    const parsed = [...next].flatMap(([path, text]) => {
      const resources = resourcesOf(text);
      // What is no YAML for once is as it was.
      return resources === undefined ? [] : [{ path, text, resources, lives: [] as Life[] }];
    });
    const released = parsed.flatMap(({ path }) => (this.#files.get(path)?.lives ?? []).map((life) => ({ path, life })));
    const take = (name: string, path?: string): Life | undefined => {
      const at = released.findIndex((one) => one.life.name === name && (path === undefined || one.path === path));
      return at < 0 ? undefined : released.splice(at, 1)[0]?.life;
    };
    const told: Told[] = [];
    const homeless: { file: (typeof parsed)[number]; name: string; resource: Resource }[] = [];
    for (const file of parsed) {
      for (const resource of file.resources) {
        const named = this.#named(resource, file.path);
        const name = nameOf(named);
        const life = take(name, file.path);
        if (life === undefined) homeless.push({ file, name, resource: named });
        else file.lives.push(this.#change(life, named, told));
      }
    }
    const births: typeof homeless = [];
    for (const one of homeless) {
      // A file that moved.
      const life = take(one.name);
      if (life === undefined) births.push(one);
      else one.file.lives.push(this.#change(life, one.resource, told));
    }
    for (const { life } of released) {
      this.#alive.delete(life.key);
      told.push({ type: 'DELETED', object: this.#shown(life) });
    }
    for (const { file, name, resource } of births) {
      const life = this.#born(name, resource, posix.dirname(file.path), ts);
      if (life === undefined) continue;
      file.lives.push(life);
      told.push({ type: 'ADDED', object: this.#shown(life) });
    }
    for (const { path, text, lives } of parsed) {
      if (text === '') this.#files.delete(path);
      else this.#files.set(path, { text, lives });
    }
    return told;
  }

  /** With the namespace of the nearest Kustomize file above, where it has none of its own. */
  #named(resource: Resource, path: string): Resource {
    if (resource.metadata.namespace !== undefined) return resource;
    for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
      const namespace = this.#namespaces.get(folder);
      if (namespace !== undefined) return { ...resource, metadata: { ...resource.metadata, namespace } };
      if (folder === '.') return resource;
    }
  }

  #change(life: Life, resource: Resource, told: Told[]): Life {
    if (textOf(resource) === textOf(life.resource)) return life;
    const { metadata: _, ...before } = life.resource;
    const { metadata: __, ...after } = resource;
    if (textOf(before) !== textOf(after)) life.generation++;
    life.resource = resource;
    told.push({ type: 'MODIFIED', object: this.#shown(life) });
    return life;
  }

  /** Undefined where the folder holds the same twice. */
  #born(name: string, resource: Resource, folder: string, created: string): Life | undefined {
    let { namespace } = resource.metadata;
    let key = name;
    if (this.#alive.has(key)) {
      namespace = `${namespace ?? ''}.${folder.replaceAll('/', '-')}`;
      key = nameOf({ ...resource, metadata: { ...resource.metadata, namespace } });
      if (this.#alive.has(key)) return undefined;
    }
    const uid = uidOf(hashOf(`${this.#lives++} ${key}`, 32));
    const life = { name, key, namespace, resource, uid, generation: 1, created };
    this.#alive.set(key, life);
    return life;
  }

  #shown({ resource, namespace, uid, generation, created }: Life): StreamRow['object'] {
    this.#version += 1 + Math.floor(this.#random() * VERSION_STEP_MAX);
    const { name, labels, annotations, finalizers } = resource.metadata;
    const given = { name, namespace, labels, annotations, finalizers };
    const metadata = { ...given, uid, generation, creationTimestamp: created, resourceVersion: `${this.#version}` };
    return { ...resource, metadata } as unknown as StreamRow['object'];
  }
}

function nameOf({ apiVersion, kind, metadata }: Resource): string {
  return [apiVersion.split('/')[0], kind, metadata.namespace ?? '', metadata.name].join('\u0000');
}
