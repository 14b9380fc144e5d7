/**
 * What is kept in memory of an object's newest recorded state, so that an update is compared with it without reading it back: a fingerprint
 * of each section of its text, and the masked text of those sections that are small or have moved before. Some hundred bytes an object
 * where the parsed state takes thousands.
 *
 * The record of a digest is: for each section its fingerprint (a double), for each the bytes of its text, 0 where none is kept (two bytes), and
 * then those texts, one after the other. It lies in an arena (byte-arena.ts), as it is rewritten with every update.
 *
 * A digest speaks of the state that the store's chain has after change `seq`, and of nothing else: what was only counted (a heartbeat)
 * leaves it as it is, and after a write that failed all are dropped. An object without one is compared by its whole state.
 */
import type { JsonObject } from '../domain/json.ts';
import { isEntryValue } from '../domain/masking/secret-names.ts';
import type { KubeObject, ObjectRef } from '../domain/object-ref.ts';
import { type Held, RecentHeld } from '../domain/recent.ts';
import type { TextPlace } from '../domain/scan/leaf-walk.ts';
import { type ScannedObject, type Section, textKey } from '../domain/scan/object-scan.ts';
import type { SchemaTree } from '../domain/schema-tree.ts';
import { ByteArena, type Page, type Slot } from './byte-arena.ts';

/** A class, so that all its fields lie in one place: there are as many as objects. */
export class HeadDigest implements Slot, Held {
  readonly ref: ObjectRef;
  readonly uid: string;
  /** Newest seen, heartbeats included. */
  resourceVersion: string;
  generation: number | undefined;
  /** The change whose state this is; the store sets it as it appends. */
  seq = 0;
  /** Set by the store, and for it alone. */
  entry: unknown = undefined;
  /** Shared by objects of one shape. */
  readonly sections: readonly Section[];
  /** By what the schema says its texts are masked; `stale` is 1 for each that was masked when it said something else. */
  secrets: SchemaTree<true> | undefined;
  stale: Uint8Array | undefined = undefined;
  page: Page;
  at: number;
  room: number;
  weight = 0;
  used = false;

  /** `uid` is the scanned object's, as the text that others have of it. */
  constructor(
    { ref, uid }: { ref: ObjectRef; uid: string },
    scanned: ScannedObject,
    { page, at, room }: Slot,
    secrets: SchemaTree<true> | undefined,
  ) {
    this.ref = ref;
    this.uid = uid;
    this.resourceVersion = scanned.resourceVersion;
    this.generation = scanned.generation;
    this.sections = scanned.sections;
    this.secrets = secrets;
    this.page = page;
    this.at = at;
    this.room = room;
  }

  moveTo({ page, at, room }: Slot): void {
    this.page = page;
    this.at = at;
    this.room = room;
  }
}

/** What became of a section: its masked text, as bytes where those are at hand. */
export interface SectionText {
  readonly index: number;
  readonly text: string | TextPlace;
}

/** Sections up to this size are kept as text from the start, those of the status more, since they move most. */
const TEXT_MAX = 128;
const STATUS_TEXT_MAX = 2_048;
/** Beyond this a section that moved is read back from the store each time it moves. */
const MOVED_TEXT_MAX = 16 * 1024;
/** Of a digest of a usual name without its record: the object, its name, its place in the map. */
const DIGEST_BYTES = 400;
const PRINT_BYTES = 8;
/** Of a text of MOVED_TEXT_MAX characters, of three bytes at most each. */
const LENGTH_BYTES = 2;
const NOTHING: TextPlace = { bytes: Buffer.alloc(0), from: 0, to: 0 };
/** Sections that no update moves: what they were is not worth keeping. */
const FIXED: ReadonlySet<string> = new Set(['name', 'namespace', 'uid', 'creationTimestamp']);

export class HeadDigests {
  /** By `textKey` of the uid: of two objects with one key the one that was kept last has a digest. */
  readonly #clusters = new Map<string, RecentHeld<number, HeadDigest>>();
  readonly #arena = new ByteArena();
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
    const digest = this.#clusters.get(cluster)?.get(textKey(uid));
    return digest?.uid === uid ? digest : undefined;
  }

  /** The same for an object that was scanned, without making a text of its uid. */
  of(cluster: string, scanned: ScannedObject): HeadDigest | undefined {
    const digest = this.#clusters.get(cluster)?.get(scanned.uidKey);
    return digest !== undefined && isOfUid(digest, scanned) ? digest : undefined;
  }

  /** Keeps a digest of `state`, the state as masked by a schema and recorded by a change that is about to be appended. */
  keep(
    ref: ObjectRef,
    scanned: ScannedObject,
    { state, secrets }: { state: KubeObject; secrets: SchemaTree<true> | undefined },
  ): HeadDigest | undefined {
    if (!isComparedBySection(scanned)) return undefined;
    const { uid, sections, prints } = scanned;
    const texts = sections.map((section, i) => {
      const length = (scanned.places[2 * i + 1] as number) - (scanned.places[2 * i] as number);
      const value = isKeptFromTheStart(section, length) ? sectionOf(state, section) : undefined;
      const text = value === undefined ? '' : JSON.stringify(value);
      // Masked it may be longer than it was.
      return isKeptOnceMoved(text.length) ? text : '';
    });
    const bytes = texts.reduce((sum, text) => sum + byteLength(text), sections.length * (PRINT_BYTES + LENGTH_BYTES));
    // The change and its state have a text of it already, which the store keeps.
    const known = state.metadata.uid;
    const digest = new HeadDigest({ ref, uid: known === uid ? known : uid }, scanned, this.#arena.take(bytes), secrets);
    writeRecord(digest, prints, texts);
    const digests = this.#inCluster(ref.cluster);
    const key = textKey(uid);
    if (digests.get(key)?.uid !== uid) digests.delete(key);
    digests.set(key, digest, DIGEST_BYTES + digest.room);
    return digest;
  }

  /** The fingerprints and texts of sections that moved; by rising index. */
  retext(digest: HeadDigest, prints: readonly number[], moved: readonly SectionText[]): void {
    const { page, sections } = digest;
    const lengths = lengthsAt(digest);
    let grown = 0;
    let same = true;
    for (const { index, text } of moved) {
      if (digest.stale !== undefined) digest.stale[index] = 0;
      page.doubles[digest.at / PRINT_BYTES + index] = prints[index] as number;
      const more = byteLength(text) - (page.halves[lengths + index] as number);
      same &&= more === 0;
      grown += more;
    }
    if (same) {
      overwrite(digest, moved);
      return;
    }
    const texts: (string | TextPlace)[] = [];
    let at = textsAt(digest);
    for (let i = 0, m = 0; i < sections.length; i++) {
      const length = page.halves[lengths + i] as number;
      const next = moved[m];
      if (next?.index === i) {
        texts.push(next.text);
        m += 1;
      } else texts.push(length === 0 ? NOTHING : { bytes: page.bytes, from: at, to: at + length });
      at += length;
    }
    this.#rewrite(digest, at - digest.at + grown, texts);
  }

  drop(cluster: string, uid: string): void {
    if (this.get(cluster, uid) !== undefined) this.#clusters.get(cluster)?.delete(textKey(uid));
  }

  clear(): void {
    this.#clusters.clear();
    this.#arena.clear();
  }

  /** Texts may be parts of the record that they replace. */
  #rewrite(digest: HeadDigest, bytes: number, texts: readonly (string | TextPlace)[]): void {
    const { page, at, room, sections } = digest;
    const prints = page.doubles.slice(at / PRINT_BYTES, at / PRINT_BYTES + sections.length);
    // A slot that fits goes on as it is, so that a number that gains a digit moves nothing.
    const fits = bytes <= room && bytes * 2 > room;
    if (fits) {
      writeRecord(
        digest,
        prints,
        texts.map((text) => (typeof text === 'string' || text.bytes !== page.bytes ? text : copyOf(text))),
      );
      return;
    }
    digest.moveTo(this.#arena.take(bytes));
    writeRecord(digest, prints, texts);
    this.#arena.give({ page, at, room });
    this.#inCluster(digest.ref.cluster).set(textKey(digest.uid), digest, DIGEST_BYTES + digest.room);
  }

  #inCluster(cluster: string): RecentHeld<number, HeadDigest> {
    let digests = this.#clusters.get(cluster);
    if (digests === undefined) {
      digests = new RecentHeld(this.#bytesMax, (digest) => this.#arena.give(digest));
      this.#clusters.set(cluster, digests);
    }
    return digests;
  }
}

function isOfUid(digest: HeadDigest, scanned: ScannedObject): boolean {
  const { uidAt } = scanned.identity;
  if (digest.sections !== scanned.sections) return digest.uid === scanned.uid;
  return isPrintOf(digest, uidAt, scanned.prints[uidAt]);
}

/** Whether a section has the fingerprint that it had. */
export function isPrintOf({ page, at }: HeadDigest, index: number, print: number | undefined): boolean {
  return page.doubles[at / PRINT_BYTES + index] === print;
}

/** Whether the text kept of a section is masked by what the schema says now. */
export function isMaskedBy(digest: HeadDigest, index: number, secrets: SchemaTree<true> | undefined): boolean {
  if (digest.secrets !== secrets) {
    digest.secrets = secrets;
    digest.stale = new Uint8Array(digest.sections.length).fill(1);
  }
  return digest.stale?.[index] !== 1;
}

/** Where the lengths of a digest's texts begin, in units of theirs, and its texts, in bytes. */
function lengthsAt({ at, sections }: HeadDigest): number {
  return (at + sections.length * PRINT_BYTES) / LENGTH_BYTES;
}

function textsAt({ at, sections }: HeadDigest): number {
  return at + sections.length * (PRINT_BYTES + LENGTH_BYTES);
}

/**
 * Leaves in `moved` the sections whose fingerprint is another than the digest's, by rising index, three numbers each: its index, and where its text
 * in the digest's page begins and ends, which is the same where none is kept. How many there are.
 */
export function sectionsMoved(digest: HeadDigest, prints: readonly number[], moved: Int32Array): number {
  let count = 0;
  const { doubles, halves } = digest.page;
  const first = digest.at / PRINT_BYTES;
  const lengths = lengthsAt(digest);
  let from = textsAt(digest);
  for (let index = 0; index < prints.length; index++) {
    const to = from + (halves[lengths + index] as number);
    if (doubles[first + index] !== prints[index]) {
      moved[3 * count] = index;
      moved[3 * count + 1] = from;
      moved[3 * count + 2] = to;
      count += 1;
    }
    from = to;
  }
  return count;
}

function writeRecord(digest: HeadDigest, prints: ArrayLike<number>, texts: readonly (string | TextPlace)[]): void {
  const { page, at, sections } = digest;
  const lengths = lengthsAt(digest);
  let to = textsAt(digest);
  for (let i = 0; i < sections.length; i++) {
    page.doubles[at / PRINT_BYTES + i] = prints[i] as number;
    const length = writeText(page.bytes, to, texts[i] as string | TextPlace);
    page.halves[lengths + i] = length;
    to += length;
  }
}

/** Texts that are as long as those they replace. */
function overwrite(digest: HeadDigest, moved: readonly SectionText[]): void {
  const { halves, bytes } = digest.page;
  const lengths = lengthsAt(digest);
  let at = textsAt(digest);
  let index = 0;
  for (const next of moved) {
    for (; index < next.index; index++) at += halves[lengths + index] as number;
    writeText(bytes, at, next.text);
  }
}

function writeText(bytes: Buffer, at: number, text: string | TextPlace): number {
  if (typeof text === 'string') return text === '' ? 0 : bytes.write(text, at);
  return text.from === text.to ? 0 : text.bytes.copy(bytes, at, text.from, text.to);
}

function byteLength(text: string | TextPlace): number {
  return typeof text === 'string' ? Buffer.byteLength(text) : text.to - text.from;
}

function copyOf({ bytes, from, to }: TextPlace): TextPlace {
  return { bytes: Buffer.from(bytes.subarray(from, to)), from: 0, to: to - from };
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

/** Whether a text of this length, in bytes or characters, is kept once its section has moved. */
export function isKeptOnceMoved(length: number): boolean {
  return length <= MOVED_TEXT_MAX;
}

function isKeptFromTheStart({ top, key }: Section, length: number): boolean {
  if (top === 'status') return length <= STATUS_TEXT_MAX;
  if (key === undefined ? top === 'kind' || top === 'apiVersion' : top === 'metadata' && FIXED.has(key)) return false;
  return length <= TEXT_MAX;
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
