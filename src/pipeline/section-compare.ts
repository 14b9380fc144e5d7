/**
 * Compares an update with the state before it section by section: what has the fingerprint it had is the same, only the rest is parsed,
 * masked and compared. Comes to the same as comparing whole states (see `compare` in ingest.ts), for a fraction of the work.
 */
import { attribute } from '../domain/attribution.ts';
import { isBookkeepingPath } from '../domain/bookkeeping.ts';
import type { Actor, ChangeOrigin } from '../domain/change.ts';
import { diffValues, type FieldDiff, makePatch, type StatePatch } from '../domain/field-diff.ts';
import { escapeSegment } from '../domain/field-path.ts';
import { isHeartbeat } from '../domain/heartbeat-paths.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import type { KubeObject, KubeOutline, ObjectRef } from '../domain/object-ref.ts';
import { type ScannedObject, type Section, sectionText } from '../domain/object-scan.ts';
import { isOwnWrite } from '../domain/own-writes.ts';
import { type KeyedHash, type MaskOptions, mask } from '../domain/redact.ts';
import { compareResourceVersions } from '../domain/resource-version.ts';
import { managedOf, type ScannedObservation } from '../domain/scanned-observation.ts';
import type { NewChange } from '../store/store.ts';
import {
  type HeadDigest,
  type HeadDigests,
  isKeptOnceMoved,
  type SectionText,
  sameSections,
  sectionOf,
  sectionsMoved,
} from './head-digest.ts';

export interface SectionComparison {
  hash: KeyedHash;
  /** Of the object's kind. */
  masking?: MaskOptions | undefined;
  digests: HeadDigests;
  /** The recorded state that the digest speaks of, for sections whose text is not kept. */
  stateBefore: (digest: HeadDigest) => KubeObject | undefined;
  /** The state of an observation as it is recorded: masked, without managedFields. */
  masked: (object: KubeObject) => KubeObject;
}

/** A section that moved. */
interface Moved {
  index: number;
  section: Section;
  /** Of `after`; the bytes of the observation where masking has changed nothing. */
  text: string | Buffer;
  before: Json;
  after: Json;
}

/**
 * Undefined where the whole states have to be compared, because sections came or went.
 * Throws SyntaxError when the text of a section is not JSON.
 */
export function compareSections(
  observation: ScannedObservation,
  digest: HeadDigest,
  options: SectionComparison,
): ScannedChange | 'repeat' | 'late' | 'heartbeat' | undefined {
  const { scanned } = observation;
  if (!isSameObject(digest, scanned) || !sameSections(digest.sections, scanned.sections)) return undefined;
  if (scanned.resourceVersion === digest.resourceVersion) return 'repeat';
  if (compareResourceVersions(scanned.resourceVersion, digest.resourceVersion) === 'older') return 'late';
  const moved = movedSections(scanned, digest, options);
  if (moved === undefined) return undefined;

  const diff: FieldDiff[] = [];
  for (const { section, before, after } of moved)
    for (const field of diffValues(before, after, pathOf(section))) if (!isBookkeepingPath(field.path)) diff.push(field);
  if (isHeartbeat(digest.ref.kind, diff)) {
    digest.resourceVersion = scanned.resourceVersion;
    return 'heartbeat';
  }
  const change = new ScannedChange(observation, { digest, diff, patch: patchOf(moved), masked: options.masked });
  takeUp(moved, scanned, digest, options.digests);
  return change;
}

function isSameObject(digest: HeadDigest, scanned: ScannedObject): boolean {
  const { ref } = digest;
  return (
    digest.apiVersion === scanned.apiVersion &&
    ref.kind === scanned.kind &&
    ref.name === scanned.name &&
    ref.namespace === scanned.namespace &&
    (scanned.generation === undefined) === (digest.generation === undefined)
  );
}

function movedSections(scanned: ScannedObject, digest: HeadDigest, options: SectionComparison): Moved[] | undefined {
  const moved: Moved[] = [];
  const kept = digest.page.bytes;
  let state: KubeObject | undefined;
  for (const { index, from, to } of sectionsMoved(digest, scanned.prints)) {
    const section = digest.sections[index] as Section;
    const raw = scanned.bytes.subarray(scanned.places[2 * index] as number, scanned.places[2 * index + 1] as number);
    const plain = JSON.parse(raw.toString('utf8')) as Json;
    const after = maskedSection(section, plain, options);
    let before: Json | undefined;
    if (to > from) before = JSON.parse(kept.toString('utf8', from, to)) as Json;
    else {
      state ??= options.stateBefore(digest);
      before = state === undefined ? undefined : sectionOf(state, section);
    }
    if (before === undefined) return undefined;
    moved.push({ index, section, text: after === plain ? raw : JSON.stringify(after), before, after });
  }
  return moved;
}

/** Masks a section as it would be within its object; sections for which more than their own path matters have no digest. */
function maskedSection({ top, key }: Section, value: Json, { hash, masking }: Pick<SectionComparison, 'hash' | 'masking'>): Json {
  if (key === undefined) return mask({ [top]: value }, hash, masking)[top] as Json;
  // A name that holds a secret is masked too; then the whole states are compared.
  return (mask({ [top]: { [key]: value } }, hash, masking)[top] as JsonObject | undefined)?.[key] as Json;
}

/** The patch of the whole state, from those of its sections. */
function patchOf(moved: readonly Moved[]): StatePatch {
  const patch: StatePatch = {};
  for (const { section, before, after } of moved) {
    const inner = makePatch(before, after);
    if (inner === undefined) continue;
    const { top, key } = section;
    let parent: JsonObject = patch;
    if (key !== undefined) {
      patch.d ??= {};
      const within = patch.d as JsonObject;
      within[top] ??= {};
      parent = within[top] as JsonObject;
    }
    const whole = Object.hasOwn(inner, 'w');
    const part = whole ? 's' : 'd';
    parent[part] ??= {};
    const members = parent[part] as JsonObject;
    members[key ?? top] = whole ? after : inner;
  }
  return patch;
}

/** From here on the digest speaks of the new state. */
function takeUp(moved: readonly Moved[], scanned: ScannedObject, digest: HeadDigest, digests: HeadDigests): void {
  const texts = moved.map(({ index, text }): SectionText => ({ index, text: isKeptOnceMoved(text.length) ? text : '' }));
  digests.retext(digest, scanned.prints, texts);
  digest.resourceVersion = scanned.resourceVersion;
  digest.generation = scanned.generation;
}

function pathOf({ top, key }: Section): string {
  return key === undefined ? `/${escapeSegment(top)}` : `/${escapeSegment(top)}/${escapeSegment(key)}`;
}

/** A modification that was told by sections. Its whole state is built when somebody asks for it, which for most nobody does. */
export class ScannedChange implements NewChange {
  /** Given by the store. */
  seq = 0;
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly type = 'MODIFIED';
  readonly origin: ChangeOrigin;
  readonly observedMs: number;
  readonly resourceVersion: string;
  readonly generation: number | undefined;
  actor: Actor;
  candidates: Actor[];
  attribution: NewChange['attribution'];
  readonly own: boolean;
  diff: FieldDiff[];
  readonly before = undefined;
  readonly digest: HeadDigest;
  readonly step: NonNullable<NewChange['step']>;
  readonly #observation: ScannedObservation;
  readonly #masked: (object: KubeObject) => KubeObject;
  #state: KubeObject | undefined;

  constructor(
    observation: ScannedObservation,
    {
      digest,
      diff,
      patch,
      masked,
    }: { digest: HeadDigest; diff: FieldDiff[]; patch: StatePatch; masked: (object: KubeObject) => KubeObject },
  ) {
    const { scanned } = observation;
    const managed = managedOf(scanned);
    const { actor, candidates } = attribute(managed, diff, undefined, false);
    this.ref = digest.ref;
    this.uid = digest.uid;
    this.origin = observation.origin;
    this.observedMs = observation.observedMs;
    this.resourceVersion = scanned.resourceVersion;
    this.generation = scanned.generation;
    this.actor = actor;
    this.candidates = candidates;
    this.own = isOwnWrite(managed, diff);
    this.diff = diff;
    const length = scanned.end - scanned.start - (scanned.managedEnd - scanned.managedStart);
    this.digest = digest;
    this.step = { patch, length };
    this.#observation = observation;
    this.#masked = masked;
  }

  get state(): KubeObject {
    this.#state ??= this.#masked(this.#observation.object);
    return this.#state;
  }

  /** Labels and annotations are masked by themselves alone, so they need not be parsed with all the rest. */
  get outline(): KubeOutline {
    if (this.#state !== undefined) return this.#state;
    const { scanned } = this.#observation;
    const { apiVersion, kind, name, uid, resourceVersion } = scanned;
    const metadata: KubeObject['metadata'] = { name, uid, resourceVersion };
    for (const key of ['labels', 'annotations']) {
      const text = sectionText(scanned, 'metadata', key);
      if (text !== undefined) metadata[key] = JSON.parse(text) as Json;
    }
    return this.#masked({ apiVersion, kind, metadata });
  }
}
