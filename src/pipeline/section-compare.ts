/**
 * Compares an update with the state before it section by section: what has the fingerprint it had is the same, only the rest is parsed,
 * masked and compared. Comes to the same as comparing whole states (see `compare` in ingest.ts), for a fraction of the work.
 */

import type { Actor, ChangeOrigin, GitopsTool } from '../domain/change.ts';
import { isBookkeepingPath } from '../domain/diff/bookkeeping.ts';
import { diffValues, type FieldDiff, makePatch } from '../domain/diff/field-diff.ts';
import { isHeartbeat } from '../domain/diff/heartbeat-paths.ts';
import { escapeSegment, segmentsOf } from '../domain/field-path.ts';
import { type Json, type JsonObject, parseJson } from '../domain/json.ts';
import { type KeyedHash, mask } from '../domain/masking/redact.ts';
import type { MovedPaths, Named } from '../domain/moved-paths.ts';
import { isApiVersionOf, type KubeObject, type ObjectRef } from '../domain/object-ref.ts';
import { compareResourceVersions } from '../domain/resource-version.ts';
import type { TextPlace } from '../domain/scan/leaf-walk.ts';
import {
  memberText,
  type ScannedObject,
  SECTIONS_PER_OBJECT_MAX,
  type Section,
  sectionText,
} from '../domain/scan/object-scan.ts';
import { PatchLevel } from '../domain/scan/patch-text.ts';
import { managedOf, type ScannedObservation } from '../domain/scanned-observation.ts';
import { type ListKeys, partAt } from '../domain/schema-tree.ts';
import { attribute } from '../domain/who/attribution.ts';
import { gitopsOrigin, mayHoldMark } from '../domain/who/gitops-origin.ts';
import { managedFormOf, newestWriters } from '../domain/who/managed-writers.ts';
import { isOwnWrite, mayBeOwnWrite } from '../domain/who/own-writes.ts';
import type { NewChange } from '../store/store.ts';
import {
  type HeadDigest,
  type HeadDigests,
  isKeptOnceMoved,
  isMaskedBy,
  isPrintOf,
  type SectionText,
  sameSections,
  sectionOf,
  sectionsMoved,
} from './head-digest.ts';
import type { LeafCompare } from './leaf-compare.ts';
import type { KindRules } from './masking-book.ts';

const OPEN_OBJECT = 0x7b;
const OPEN_LIST = 0x5b;

export interface SectionComparison {
  hash: KeyedHash;
  /** Of the object's kind. */
  rules?: KindRules | undefined;
  digests: HeadDigests;
  leaves: LeafCompare;
  /** The recorded state that the digest speaks of, for sections whose text is not kept. */
  stateBefore: (digest: HeadDigest) => KubeObject | undefined;
  /** The state of an observation as it is recorded: masked, without managedFields. */
  masked: (object: KubeObject) => KubeObject;
}

/** What an update comes to, section by section. */
interface Comparison {
  /** Without bookkeeping. */
  fields: FieldDiff[];
  /** Of `fields`, as long as every section was compared by its leaves. */
  paths: MovedPaths | undefined;
  patch: SectionPatch;
  /** The bytes of the observation where masking has changed nothing. */
  texts: SectionText[];
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
  if (!sameSections(digest.sections, scanned.sections) || !isSameObject(digest, scanned)) return undefined;
  if (scanned.resourceVersion === digest.resourceVersion) return 'repeat';
  if (compareResourceVersions(scanned.resourceVersion, digest.resourceVersion) === 'older') return 'late';
  const comparison = compareMoved(scanned, digest, options);
  if (comparison === undefined) return undefined;

  const { fields, paths, patch, texts } = comparison;
  if (isHeartbeat(digest.ref.kind, fields)) {
    digest.resourceVersion = scanned.resourceVersion;
    return 'heartbeat';
  }
  const lists = options.rules?.lists;
  const change = new ScannedChange(observation, { digest, fields, paths, patch: patch.take(), lists, masked: options.masked });
  // From here on the digest speaks of the new state.
  options.digests.retext(digest, scanned.prints, texts);
  digest.resourceVersion = scanned.resourceVersion;
  digest.generation = scanned.generation;
  return change;
}

/** Of one with the same sections. */
function isSameObject(digest: HeadDigest, scanned: ScannedObject): boolean {
  const { ref } = digest;
  const { nameAt, namespaceAt } = scanned.identity;
  return (
    isApiVersionOf(ref, scanned.apiVersion) &&
    ref.kind === scanned.kind &&
    isPrintOf(digest, nameAt, scanned.prints[nameAt]) &&
    (namespaceAt < 0 || isPrintOf(digest, namespaceAt, scanned.prints[namespaceAt])) &&
    (scanned.generation === undefined) === (digest.generation === undefined)
  );
}

function compareMoved(scanned: ScannedObject, digest: HeadDigest, options: SectionComparison): Comparison | undefined {
  const { leaves, rules } = options;
  const comparison: Comparison = { fields: [], paths: leaves.noPaths, patch: sectionPatch.begin(), texts: [] };
  const kept = digest.page.bytes;
  let state: KubeObject | undefined;
  const count = sectionsMoved(digest, scanned.prints, movedSections);
  for (let i = 0; i < count; i++) {
    const [index, from, to] = [
      movedSections[3 * i] as number,
      movedSections[3 * i + 1] as number,
      movedSections[3 * i + 2] as number,
    ];
    const section = digest.sections[index] as Section;
    const after = {
      bytes: scanned.bytes,
      from: scanned.places[2 * index] as number,
      to: scanned.places[2 * index + 1] as number,
    };
    const before = { bytes: kept, from, to };
    const isCurrent = isMaskedBy(digest, index, rules?.secrets);
    if (isCurrent && to > from && takeLeaves(section, { before, after }, comparison, options)) {
      comparison.texts.push({ index, text: isKeptOnceMoved(after.to - after.from) ? after : '' });
      continue;
    }
    const now = maskedSection(section, parsed(after), options);
    if (to === from) state ??= options.stateBefore(digest);
    const old = to > from ? parsed(before) : state === undefined ? undefined : sectionOf(state, section);
    if (old === undefined) return undefined;
    takeParsed(section, { old, shown: isCurrent ? old : maskedSection(section, old, options), now }, comparison, rules);
    // Written anew, so that what is kept has each member once, in the order of the value, and no blanks.
    const text = JSON.stringify(now);
    comparison.texts.push({ index, text: isKeptOnceMoved(text.length) ? text : '' });
  }
  return comparison;
}

function takeLeaves(
  section: Section,
  texts: { before: TextPlace; after: TextPlace },
  comparison: Comparison,
  { leaves, rules }: SectionComparison,
): boolean {
  const { fields, paths, patch } = comparison;
  const { secrets, lists } = rules ?? {};
  const found = leaves.compare(section, texts, { fields, paths: paths ?? leaves.noPaths, secrets, lists });
  if (found === undefined) return false;
  if (paths !== undefined) comparison.paths = found.paths;
  if (found.patch !== '') patch.add(section, found.patch, isContainer(texts.after));
  return true;
}

/** `shown` is the old value as masked now: what only masking moved is in the patch and not in the diff. */
function takeParsed(
  section: Section,
  { old, shown, now }: { old: Json; shown: Json; now: Json },
  comparison: Comparison,
  rules: KindRules | undefined,
): void {
  comparison.paths = undefined;
  const path = pathOf(section);
  for (const field of diffValues(shown, now, path, partAt(rules?.lists, segmentsOf(path))))
    if (!isBookkeepingPath(field.path)) comparison.fields.push(field);
  const inner = makePatch(old, now);
  if (inner === undefined) return;
  if (Object.hasOwn(inner, 'w')) comparison.patch.add(section, JSON.stringify(now), false);
  else comparison.patch.add(section, JSON.stringify(inner), true);
}

function parsed({ bytes, from, to }: TextPlace): Json {
  return parseJson(bytes.toString('utf8', from, to));
}

function isContainer({ bytes, from }: TextPlace): boolean {
  return bytes[from] === OPEN_OBJECT || bytes[from] === OPEN_LIST;
}

/** Masks a section as it would be within its object; sections for which more than their own path matters have no digest. */
function maskedSection({ top, key }: Section, value: Json, { hash, rules }: Pick<SectionComparison, 'hash' | 'rules'>): Json {
  if (key === undefined) return mask({ [top]: value }, hash, rules)[top] as Json;
  // A name that holds a secret is masked too; then the whole states are compared.
  return (mask({ [top]: { [key]: value } }, hash, rules)[top] as JsonObject | undefined)?.[key] as Json;
}

/** The patch of the whole state, from those of its sections, which come top-level member by top-level member. */
class SectionPatch {
  /** The section added last that lies in a top-level object. */
  #last: Section | undefined;
  readonly #outer = new PatchLevel();
  readonly #inner = new PatchLevel();

  /** Empty, whatever became of the one before. */
  begin(): this {
    this.#outer.clear();
    this.#inner.clear();
    this.#last = undefined;
    return this;
  }

  /** `text` is the patch of what the section holds, or else its new value. */
  add(section: Section, text: string, isPatch: boolean): void {
    if (this.#last?.top !== section.top) this.#close();
    const isWhole = section.key === undefined;
    const level = isWhole ? this.#outer : this.#inner;
    if (!isWhole) this.#last = section;
    const member = isWhole ? section.topMember : keyMember(section);
    if (isPatch) level.dive(member, text);
    else level.set(member, text);
  }

  /** '' where nothing moved. */
  take(): string {
    this.#close();
    return this.#outer.take();
  }

  #close(): void {
    if (this.#last !== undefined) this.#outer.dive(this.#last.topMember, this.#inner.take());
    this.#last = undefined;
  }
}

function keyMember(section: Section): string {
  section.keyMember ??= memberText(section.key ?? '');
  return section.keyMember;
}

/** Used again for each comparison, of which there is one at a time: new ones would be a tenth of the garbage of an event. */
const movedSections = new Int32Array(3 * SECTIONS_PER_OBJECT_MAX);
const sectionPatch = new SectionPatch();

/** Who made a change, by the form of its managedFields where that is known. Throws SyntaxError where it has to be parsed and is not JSON. */
function writersOf(scanned: ScannedObject, diff: readonly FieldDiff[], paths: MovedPaths | undefined): Named {
  const { bytes, managedStart, managedEnd } = scanned;
  const form = paths === undefined || managedEnd === 0 ? undefined : managedFormOf(bytes, managedStart, managedEnd);
  const newest = form === undefined ? undefined : newestWriters(form, bytes, managedStart);
  if (paths === undefined || form === undefined || newest === undefined)
    return attribute(managedOf(scanned), diff, undefined, false);
  return paths.namedBy(form, newest);
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
  readonly lists: ListKeys | undefined;
  readonly digest: HeadDigest;
  readonly step: NonNullable<NewChange['step']>;
  readonly #observation: ScannedObservation;
  readonly #masked: (object: KubeObject) => KubeObject;
  #state: KubeObject | undefined;

  constructor(
    observation: ScannedObservation,
    {
      digest,
      fields,
      paths,
      patch,
      lists,
      masked,
    }: Pick<Comparison, 'fields' | 'paths'> & {
      digest: HeadDigest;
      patch: string;
      lists: ListKeys | undefined;
      masked: (object: KubeObject) => KubeObject;
    },
  ) {
    const { scanned } = observation;
    const diff = paths === undefined ? fields : paths.order.map((i) => fields[i] as FieldDiff);
    const { actor, candidates } = writersOf(scanned, diff, paths);
    this.ref = digest.ref;
    this.uid = digest.uid;
    this.origin = observation.origin;
    this.observedMs = observation.observedMs;
    this.resourceVersion = scanned.resourceVersion;
    this.generation = scanned.generation;
    this.actor = actor;
    this.candidates = candidates;
    this.own = mayBeOwnWrite(scanned.kind, diff) && isOwnWrite(managedOf(scanned), diff);
    this.diff = diff;
    const length = scanned.end - scanned.start - (scanned.managedEnd - scanned.managedStart);
    this.lists = lists;
    this.digest = digest;
    this.step = { patch, length, lines: paths?.lines };
    this.#observation = observation;
    this.#masked = masked;
  }

  get state(): KubeObject {
    this.#state ??= this.#masked(this.#observation.object);
    return this.#state;
  }

  /** Labels and annotations are masked by themselves alone, so they need not be parsed with all the rest; and those of most objects bear no mark. */
  keeper(): GitopsTool | undefined {
    let outline: KubeObject | undefined;
    for (const key of ['labels', 'annotations']) {
      const text = sectionText(this.#observation.scanned, 'metadata', key);
      if (text === undefined || !mayHoldMark(text)) continue;
      outline ??= this.#outline();
      outline.metadata[key] = parseJson(text);
    }
    return outline === undefined ? undefined : gitopsOrigin(this.#masked(outline))?.tool;
  }

  /** Sections are masked by themselves alone. */
  member(top: string, key: string): Json | undefined {
    if (this.#state !== undefined) return undefined;
    const text = sectionText(this.#observation.scanned, top, key);
    if (text === undefined || top === 'metadata') return undefined;
    const part = { ...this.#outline(), [top]: { [key]: parseJson(text) } };
    return (this.#masked(part)[top] as JsonObject | undefined)?.[key];
  }

  /** What masking goes by of an object, without what it holds. */
  #outline(): KubeObject {
    const { apiVersion, kind, name, uid, resourceVersion } = this.#observation.scanned;
    return { apiVersion, kind, metadata: { name, uid, resourceVersion } };
  }
}
