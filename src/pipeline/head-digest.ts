/**
 * What is kept in memory of an object's newest recorded state, so that an update is compared with it without reading it back: a fingerprint
 * of each section of its text, and the masked text of those sections that are small or have moved before. Some hundred bytes an object
 * where the parsed state takes thousands.
 *
 * A digest speaks of the state that the store's chain has after change `seq`, and of nothing else: what was only counted (a heartbeat)
 * leaves it as it is, and after a write that failed all are dropped. An object without one is compared by its whole state.
 */
import type { JsonObject } from '../domain/json.ts';
import type { KubeObject, ObjectRef } from '../domain/object-ref.ts';
import type { ScannedObject, Section } from '../domain/object-scan.ts';
import { Recent } from '../domain/recent.ts';
import { isEntryValue } from '../domain/secret-names.ts';

export interface HeadDigest {
  readonly ref: ObjectRef;
  readonly apiVersion: string;
  readonly uid: string;
  /** Newest seen, heartbeats included. */
  resourceVersion: string;
  generation: number | undefined;
  /** The change whose state this is; the store sets it as it appends. */
  seq: number;
  /** Shared by objects of one shape. */
  readonly sections: readonly Section[];
  readonly prints: number[];
  /** Masked JSON text by section where it is kept, otherwise nothing; one string, as each of many would weigh twice what it says. */
  texts: string;
  /** What it is taken for in the budget. */
  bytes: number;
}

/** Sections up to this size are kept as text from the start, those of the status more, since they move most. */
const TEXT_MAX = 128;
const STATUS_TEXT_MAX = 2_048;
/** Beyond this a section that moved is read back from the store each time it moves. */
const MOVED_TEXT_MAX = 16 * 1024;
/** Of a digest of a usual name without its sections: the object, its name, its place in the map; and what a section adds to it. */
const DIGEST_BYTES = 480;
const SECTION_BYTES = 8;
/** No JSON text holds one. */
const SEPARATOR = '\0';
/** Sections that no update moves: what they were is not worth keeping. */
const FIXED: ReadonlySet<string> = new Set(['name', 'namespace', 'uid', 'creationTimestamp']);

export class HeadDigests {
  readonly #clusters = new Map<string, Recent<string, HeadDigest>>();
  readonly #bytesMax: number;

  /** `bytesMax` bounds the memory of each cluster's digests; what was not needed for longest goes first. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    let size = 0;
    for (const cluster of this.#clusters.values()) size += cluster.size;
    return size;
  }

  get(cluster: string, uid: string): HeadDigest | undefined {
    return this.#clusters.get(cluster)?.get(uid);
  }

  /** Keeps a digest of `state`, the masked state as recorded by a change that is about to be appended. */
  keep(ref: ObjectRef, scanned: ScannedObject, state: KubeObject): HeadDigest | undefined {
    if (!isComparedBySection(scanned)) return undefined;
    const texts = packTexts(
      scanned.sections.map((section, i) => {
        const length = (scanned.places[2 * i + 1] as number) - (scanned.places[2 * i] as number);
        return isKeptFromTheStart(section, length) ? JSON.stringify(sectionOf(state, section)) : '';
      }),
    );
    const { apiVersion, uid, resourceVersion, generation, sections, prints } = scanned;
    const bytes = DIGEST_BYTES + sections.length * SECTION_BYTES + texts.length;
    const digest: HeadDigest = { ref, apiVersion, uid, resourceVersion, generation, seq: 0, sections, prints, texts, bytes };
    this.#of(ref.cluster).set(uid, digest, digest.bytes);
    return digest;
  }

  /** Other texts are kept of a digest from now on. */
  retext(digest: HeadDigest, texts: string): void {
    const more = texts.length - digest.texts.length;
    digest.texts = texts;
    if (more === 0) return;
    digest.bytes += more;
    this.#of(digest.ref.cluster).set(digest.uid, digest, digest.bytes);
  }

  drop(cluster: string, uid: string): void {
    this.#clusters.get(cluster)?.delete(uid);
  }

  clear(): void {
    this.#clusters.clear();
  }

  #of(cluster: string): Recent<string, HeadDigest> {
    let digests = this.#clusters.get(cluster);
    if (digests === undefined) {
      digests = new Recent(this.#bytesMax);
      this.#clusters.set(cluster, digests);
    }
    return digests;
  }
}

export function sameSections(a: readonly Section[], b: readonly Section[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The value of a section in a state; undefined where the state has none. */
export function sectionOf(state: JsonObject, { top, key }: Section): JsonObject[string] | undefined {
  const member = Object.hasOwn(state, top) ? state[top] : undefined;
  if (key === undefined) return member;
  const object = member as JsonObject | undefined;
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Whether a text of this length is kept once its section has moved. */
export function isKeptOnceMoved(length: number): boolean {
  return length <= MOVED_TEXT_MAX;
}

function isKeptFromTheStart({ top, key }: Section, length: number): boolean {
  if (top === 'status') return length <= STATUS_TEXT_MAX;
  if (key === undefined ? top === 'kind' || top === 'apiVersion' : top === 'metadata' && FIXED.has(key)) return false;
  return length <= TEXT_MAX;
}

/** '' for what is not kept. */
export function packTexts(texts: readonly string[]): string {
  return texts.join(SEPARATOR);
}

export function unpackTexts(texts: string): string[] {
  return texts.split(SEPARATOR);
}

/**
 * False where what one section holds decides how another is masked: a Secret's data by its kind, a `value` by the name beside it.
 */
function isComparedBySection({ kind, apiVersion, sections }: ScannedObject): boolean {
  if (kind === 'Secret' && apiVersion === 'v1') return false;
  const has = (of: string, name: string) => sections.some(({ top, key }) => top === of && key === name);
  // An object within may be a Secret too, whatever its kind is at the moment.
  if (sections.some(({ top, key }) => (key === 'data' || key === 'stringData') && has(top, 'kind') && has(top, 'apiVersion')))
    return false;
  return !sections.some(({ top, key }) => isEntryValue(key ?? top));
}
