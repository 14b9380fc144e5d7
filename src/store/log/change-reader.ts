/** Reads changes whole, with their states: one by one, in the order recorded, or along the history of their object. */
import type { Change } from '../../domain/change.ts';
import { isBookkeepingPath } from '../../domain/diff/bookkeeping.ts';
import { diffValues, type FieldDiff, inPathOrder, leavesOf } from '../../domain/diff/field-diff.ts';
import { type KubeObject, type ObjectRef, objectKey } from '../../domain/object-ref.ts';
import { keyNames, type ListKeys } from '../../domain/schema-tree.ts';
import type { Attribution } from '../../domain/who/claim-join.ts';
import type { Containment } from '../containment.ts';
import { decodeFlags, encodeResourceVersion } from '../pack/row-codec.ts';
import type { ChangeSummary } from '../store.ts';
import type { AttributionRow, Attributions } from './attributions.ts';
import type { ChangeLog, ChangeRow } from './change-log.ts';
import type { ChangeQueries } from './change-query.ts';
import type { Interning } from './interning.ts';
import type { ListKeyTable } from './list-keys.ts';
import type { ObjectEntry } from './object-entry.ts';
import type { ObjectHistory } from './object-history.ts';
import type { ObjectQueries } from './object-query.ts';
import type { Objects } from './objects.ts';
import type { Revisions } from './revisions.ts';

interface Parts {
  interning: Interning;
  objects: Objects;
  log: ChangeLog;
  listKeys: ListKeyTable;
  revisions: Revisions;
  attributions: Attributions;
  changeQueries: ChangeQueries;
  objectQueries: ObjectQueries;
  history: ObjectHistory;
  containment: Containment;
}

/** No set of actors: nobody is known to have made it. */
const NOBODY = 0;
/** How far back a claim that comes late is compared: lives of the object, and its changes. */
const LIVES_NEAR_MAX = 3;
const CHANGES_NEAR_MAX = 2_000;

export class ChangeReader {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  change(seq: number): Change | undefined {
    const row = this.#parts.log.row(seq);
    return row === undefined ? undefined : this.#rebuilt({ ...row, actorSetId: this.#amended(row) });
  }

  summary(seq: number): ChangeSummary | undefined {
    const row = this.#parts.log.row(seq);
    return row === undefined ? undefined : this.#summary(row);
  }

  attribution(seq: number): Attribution | undefined {
    const { log, attributions, interning, containment } = this.#parts;
    const row = log.row(seq);
    if (row === undefined) return undefined;
    const newest = this.#newest(seq);
    const evidence = newest === undefined ? [] : containment.read('writer', () => attributions.unpack(newest.evidence), []);
    return { ...interning.actorSet(newest?.actorSetId ?? row.actorSetId), evidence };
  }

  /** With actors as they were known when recorded. `lost` is told of those that cannot be rebuilt, and throws what is no damage. */
  after(seq: number, limit: number, lost: (row: ChangeRow, error: unknown) => void): Change[] {
    const changes: Change[] = [];
    for (let after = seq; ; ) {
      const rows = this.#parts.log.after(after, limit - changes.length);
      for (const row of rows) {
        after = row.seq;
        try {
          changes.push(this.#rebuilt(row));
        } catch (error) {
          lost(row, error);
        }
      }
      if (rows.length === 0 || changes.length >= limit) return changes;
    }
  }

  near(ref: ObjectRef, near: { resourceVersion: string } | { fromMs: number; toMs: number }): ChangeSummary[] {
    const entry = this.#parts.objects.find(ref);
    const rv = 'resourceVersion' in near ? encodeResourceVersion(near.resourceVersion) : undefined;
    const rows: ChangeRow[] = [];
    for (const row of entry === undefined ? [] : this.#newestRows(entry)) {
      if ('resourceVersion' in near ? row.rv !== rv : row.observedMs < near.fromMs || row.observedMs > near.toMs) continue;
      rows.push(row);
      if (rv !== undefined) break;
    }
    return rows.map((row) => this.#summary(row));
  }

  stateAt(ref: ObjectRef, at: { seq: number } | { atMs: number }): KubeObject | undefined {
    const { objectQueries, log, objects, revisions } = this.#parts;
    const row = 'seq' in at ? (objectQueries.listed(at.seq) ?? log.row(at.seq)) : this.#changeAt(ref, at.atMs);
    const life = row === undefined ? undefined : objects.life(row.lifeId);
    if (row === undefined || life === undefined) return undefined;
    if (life.ref !== ref && objectKey(life.ref) !== objectKey(ref)) return undefined;
    const gone = 'atMs' in at && decodeFlags(row.flags).type === 'DELETED';
    return gone ? undefined : revisions.state(row);
  }

  /** What `stateAt` says of each. */
  statesAfter(asked: readonly { ref: ObjectRef; seq: number }[]): (KubeObject | undefined)[] {
    const { objectQueries, log, objects, revisions } = this.#parts;
    const listed = new Map(asked.flatMap(({ seq }) => objectQueries.listed(seq) ?? []).map((row) => [row.seq, row]));
    const unlisted = asked.flatMap(({ seq }) => (listed.has(seq) ? [] : [seq]));
    const others = unlisted.length === 0 ? new Map<number, ChangeRow>() : log.rows(unlisted);
    const rows = asked.map(({ ref, seq }) => {
      const row = listed.get(seq) ?? others.get(seq);
      const life = row === undefined ? undefined : objects.life(row.lifeId);
      return life !== undefined && (life.ref === ref || objectKey(life.ref) === objectKey(ref)) ? row : undefined;
    });
    const known = rows.filter((row) => row !== undefined);
    const states = new Map(revisions.states(known).map((state, i) => [known[i], state]));
    return rows.map((row) => states.get(row));
  }

  mayHold(seq: number, text: string): boolean {
    const row = this.#parts.log.row(seq);
    return row !== undefined && this.#parts.revisions.mayHold(row, text, keyNames(this.#listsAt(row)));
  }

  /** `read` is called around each reading, so that a row that is damaged is told of as one. */
  *history(ref: ObjectRef, fromSeq: number | undefined, read: <T>(work: () => T) => T): Generator<ChangeSummary> {
    const rows = this.#parts.history.back(ref, fromSeq);
    for (;;) {
      const summary = read(() => {
        const { value: row, done } = rows.next();
        return done === true ? undefined : this.#summaryDespiteDamage(row);
      });
      if (summary === undefined) return;
      yield summary;
    }
  }

  /** The newest changes of an object, over its latest lives. */
  *#newestRows({ seq, objectId }: ObjectEntry): Generator<ChangeRow> {
    const lives = new Set<number>();
    let left = CHANGES_NEAR_MAX;
    for (const row of this.#parts.log.back(seq, objectId)) {
      lives.add(row.lifeId);
      if (lives.size > LIVES_NEAR_MAX || left-- === 0) return;
      yield row;
    }
  }

  #changeAt(ref: ObjectRef, atMs: number): ChangeRow | undefined {
    const entry = this.#parts.objects.find(ref);
    return entry === undefined ? undefined : this.#parts.objectQueries.changeAt(entry, atMs);
  }

  #summary(row: ChangeRow): ChangeSummary {
    return this.#parts.changeQueries.summary({ ...row, actorSetId: this.#amended(row) });
  }

  /** Where its paths or its actors cannot be read it is told without them: what else is known of an object must not end there. */
  #summaryDespiteDamage(row: ChangeRow): ChangeSummary {
    const { containment, changeQueries } = this.#parts;
    const actorSetId = this.#amended(row);
    const attempt = (what: string, work: () => ChangeSummary) =>
      containment.read<ChangeSummary | undefined>(`${what} of change ${row.seq}`, work, undefined);
    return (
      attempt('paths', () => changeQueries.summary({ ...row, actorSetId })) ??
      attempt('actors', () => changeQueries.bare({ ...row, actorSetId })) ??
      changeQueries.bare({ ...row, actorSetId: NOBODY })
    );
  }

  #amended(row: ChangeRow): number {
    return this.#newest(row.seq)?.actorSetId ?? row.actorSetId;
  }

  /** What was amended and is lost leaves what was known when the change was recorded. */
  #newest(seq: number): AttributionRow | undefined {
    const { attributions, containment } = this.#parts;
    return containment.read('attribution', () => attributions.newest(seq), undefined);
  }

  lists({ cluster, group, kind }: Pick<ObjectRef, 'cluster' | 'group' | 'kind'>, seq: number): ListKeys | undefined {
    const [resource] = this.#parts.interning.resources({ cluster, group, kind });
    return resource === undefined ? undefined : this.#parts.listKeys.at(resource.id, seq);
  }

  #listsAt({ lifeId, seq }: Pick<ChangeRow, 'lifeId' | 'seq'>): ListKeys | undefined {
    const life = this.#parts.objects.life(lifeId);
    return life === undefined ? undefined : this.#parts.listKeys.at(life.resourceId, seq);
  }

  #rebuilt(row: ChangeRow): Change {
    const { paths: _, ...summary } = this.#parts.changeQueries.bare(row);
    const { before, after } = this.#parts.revisions.sides(row, summary.type);
    const { candidates } = this.#parts.interning.actorSet(row.actorSetId);
    return { ...summary, candidates, diff: diffOf(summary.type, before, after, this.#listsAt(row)), state: after };
  }
}

/** What a change shows of the step between two states: every leaf of a new life, nothing for a deletion, bookkeeping never. */
export function diffOf(
  type: Change['type'],
  before: KubeObject | undefined,
  after: KubeObject,
  lists?: ListKeys | undefined,
): FieldDiff[] {
  if (type === 'DELETED') return [];
  const diff = type === 'ADDED' || before === undefined ? leavesOf(after, lists) : diffValues(before, after, '', lists);
  return inPathOrder(diff.filter(({ path }) => !isBookkeepingPath(path)));
}
