/** Appends changes and counts heartbeats: the object's entry, its life, the row, the revision, and what is indexed of it. Within a transaction. */
import type { Change } from '../../domain/change.ts';
import type { FieldDiff } from '../../domain/diff/field-diff.ts';
import { inPathOrder } from '../../domain/diff/field-diff.ts';
import type { ObjectRef } from '../../domain/object-ref.ts';
import type { Containment } from '../containment.ts';
import type { FullText } from '../full-text.ts';
import { CHECKPOINT_BIT, encodeFlags, encodeResourceVersion } from '../pack/row-codec.ts';
import type { SmallState } from '../small-state.ts';
import type { Amendment, Heartbeat, NewChange } from '../store.ts';
import type { Attributions } from './attributions.ts';
import type { BlameMarks } from './blame-marks.ts';
import type { Blocks } from './blocks.ts';
import { type ChangeLog, nextLinks } from './change-log.ts';
import type { Interning } from './interning.ts';
import type { ListKeyTable } from './list-keys.ts';
import type { ObjectEntry } from './object-entry.ts';
import type { Objects } from './objects.ts';
import type { Postings } from './postings.ts';
import type { EncodedRevision, Revisions } from './revisions.ts';

interface Parts {
  interning: Interning;
  objects: Objects;
  log: ChangeLog;
  blocks: Blocks;
  postings: Postings;
  listKeys: ListKeyTable;
  revisions: Revisions;
  attributions: Attributions;
  blameMarks: BlameMarks;
  fullText: FullText | undefined;
  small: SmallState;
  containment: Containment;
}

export class ChangeWriter {
  readonly #parts: Parts;
  /** The last object that no place could be made for: its name, its life or its head row met an error. To be cleared by whoever asks. */
  unplaced: ObjectRef | undefined;
  /** The object of the last change that met damage in what it has of its own. */
  unnamed: ObjectRef | undefined;
  /** The same where it met damage as it read the state before, which it will not do again: then the change is recorded whole. */
  unread: ObjectRef | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What a change has of its own, and others need not have: where its object's chain leads, who made it, what it touched. */
  #own(input: NewChange, { entry, seq, diff }: { entry: ObjectEntry; seq: number; diff: readonly FieldDiff[] }) {
    const { interning, log } = this.#parts;
    try {
      const { links, marks } = nextLinks(marksOf(entry, log), entry.changes + 1, seq);
      const actorSetId = interning.actorSetId(input.actor, input.candidates);
      const pathsetId = input.type === 'MODIFIED' ? interning.pathsetId(diff, input.step?.lines) : undefined;
      return { links, marks, actorSetId, pathsetId };
    } catch (error) {
      this.unnamed = input.ref;
      throw error;
    }
  }

  #encode(input: NewChange, base: Parameters<Revisions['encode']>[2]): ReturnType<Revisions['encode']> {
    try {
      return this.#parts.revisions.encode(input.state, input, base);
    } catch (error) {
      this.unread = input.ref;
      throw error;
    }
  }

  #place<T>(ref: ObjectRef, work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.unplaced = ref;
      throw error;
    }
  }

  append(input: NewChange): Change {
    const { interning, objects, log, blocks, postings, listKeys, revisions, blameMarks, fullText, small } = this.#parts;
    const { containment } = this.#parts;
    const { attribution, digest, step, ref, uid, type } = input;
    let entry = objects.find(ref, digest?.entry as ObjectEntry | undefined);
    const known = entry !== undefined;
    if (entry === undefined) {
      const created = this.#place(ref, () => objects.create(ref, input.observedMs));
      entry = created.entry;
      if (created.isNew) small.count('objects', 1);
    }
    // The state before is taken from the store's own chain and not from `before`, which only says whether there is one: a patch
    // against anything else than what the chain leads to would be wrong for good.
    const follows = step !== undefined || input.before !== undefined;
    const goesOn = follows && entry.changes > 0 && entry.uid === uid && entry.ref.version === ref.version;
    const base = goesOn ? { lifeId: entry.lifeId, seq: entry.seq, depth: entry.depth } : undefined;
    const place = entry;
    if (place.lifeId === 0 || place.uid !== uid || place.ref.version !== ref.version) {
      revisions.dropHead(place.lifeId);
      this.#place(ref, () => objects.beginLife(place, uid, ref));
    }
    const stepped = step !== undefined && base !== undefined && digest?.seq === base.seq;
    const short = stepped ? revisions.encodeStep(step.patch, step.length, base.depth) : undefined;
    const whole = short === undefined ? this.#encode(input, base) : undefined;
    const revision = (short ?? whole) as EncodedRevision;
    const diff = input.onDemand === true ? undefined : inPathOrder(input.diff);
    const rv = encodeResourceVersion(input.resourceVersion);
    const generation = input.generation ?? null;
    const own = { entry, seq: log.newest() + 1, diff: diff ?? input.diff };
    const { links, marks, actorSetId, pathsetId } = this.#own(input, own);
    const resourceId = interning.resourceId(ref.cluster, ref.group, ref.kind);
    const seq = log.add({
      ...links,
      lifeId: entry.lifeId,
      flags:
        encodeFlags({ type, origin: input.origin, own: input.own, record: revision.shape }) |
        (input.checkpoint ? CHECKPOINT_BIT : 0),
      observedMs: input.observedMs,
      ...{ rv, generation },
      actorSetId,
      pathsetId: pathsetId ?? null,
    });
    listKeys.appended(resourceId, seq, input.lists);
    postings.appended({
      seq,
      actorSetId,
      pathsetId: pathsetId ?? 0,
      resourceId,
      namespaceId: interning.namespaceId(ref.namespace),
    });
    if (fullText !== undefined) containment.write('value_text', () => fullText.add(seq, diff ?? input.diff), undefined);
    blameMarks.added(entry.objectId, links.ordinal, seq);
    if (attribution !== undefined) this.amend({ seq, knownMs: input.observedMs, attribution });
    if (revision.text !== undefined) blocks.put({ seq, text: revision.text, lifeId: entry.lifeId, resourceId, namespaceId: 0 });
    if (whole !== undefined && digest === undefined)
      revisions.keepHead(entry.lifeId, seq, { state: input.state, bare: whole.bare, length: whole.length });
    else revisions.dropHead(entry.lifeId);
    entry.depth = revision.depth;
    entry.changes += 1;
    // Most objects have one change for long, whose marks are told by it alone.
    entry.marks = entry.changes > 1 ? marks : undefined;
    entry.seq = seq;
    entry.rv = rv;
    entry.generation = generation;
    entry.deleted = type === 'DELETED';
    entry.lastMs = input.observedMs;
    if (known) objects.moved(entry);
    else this.#place(ref, () => objects.save(place));
    if (digest !== undefined) {
      digest.seq = seq;
      digest.entry = entry;
    }
    if (step !== undefined) return Object.assign(input, { seq, diff });
    if (diff === undefined) return Object.assign(input, { seq });
    const { before: _, attribution: __, digest: ___, step: ____, onDemand: _____, lists: ______, ...change } = input;
    return { seq, ...change, diff };
  }

  /** Who made a change, as it became known. */
  amend({ seq, knownMs, attribution }: Amendment): void {
    const { attributions, containment } = this.#parts;
    containment.write('attribution', () => attributions.add(seq, knownMs, attribution), undefined);
  }

  heartbeat(heartbeat: Heartbeat): void {
    const { objects } = this.#parts;
    const entry = objects.find(heartbeat.ref);
    if (entry === undefined || entry.uid !== heartbeat.uid) return;
    entry.heartbeats += 1;
    entry.rv = encodeResourceVersion(heartbeat.resourceVersion);
    objects.save(entry);
  }
}

function marksOf({ marks, changes, seq }: ObjectEntry, log: ChangeLog): readonly number[] {
  if (marks !== undefined) return marks;
  if (changes <= 1) return changes === 0 ? [] : [seq];
  return log.marks(seq, changes);
}
