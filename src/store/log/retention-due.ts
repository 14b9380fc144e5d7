/** Which span of changes something is to be let go of next, by age or for the sake of room, and of which something was. */
import type Database from 'better-sqlite3';
import type { ChangeLog } from './change-log.ts';
import type { RetentionOptions } from './retention-options.ts';
import { DAY_MS } from './retention-plan.ts';

/** The newest spans are never touched: what is written now builds on them. */
const SPANS_SPARED = 2;
/** What is kept of a span: every change. */
export const ALL = 0;
/** The last change of each object and day. */
export const CHECKPOINTS = 1;
/**
 * Evidence, newest states and numbers; this tier and those after it. At first they keep what a younger change builds on, which is also what an object was as that time began. It is looked for again at twice the age, at four
 * times, and so on, each time under the next number: by then most of those younger ones are thinned too.
 */
export const STATISTICS = 2;
const AGAIN_MAX = STATISTICS + 12;
const AGE_MIN_MS = DAY_MS;
/** Of what is kept whole or as checkpoints, what is let go of at once where checkpoints free nothing. */
const DROPPED_SHARE = 1 / 8;
/** Under pressure what younger changes built on is looked for first at this multiple of the age (in changes) from which on nothing but that is kept. */
const AGAIN_AT = 1 + DROPPED_SHARE;

/** The earliest time and the earliest change. */
export interface KeptFrom {
  ms: number;
  seq: number;
}

export interface SpanRow {
  firstSeq: number;
  lastSeq: number;
  msMin: number;
  msMax: number;
  tier: number;
  key: number;
  byNamespace: number;
}

export interface Due {
  span: SpanRow;
  tier: number;
  /** For the sake of room and not of age. */
  forRoom?: boolean;
}

export class DueSpans {
  readonly #log: ChangeLog;
  readonly #options: RetentionOptions;
  readonly #sql;
  /** For the sake of room all spans up to here become statistics, the youngest first: what a younger change builds on is then needed in that one alone. */
  #dropThrough = 0;

  constructor(db: Database.Database, log: ChangeLog, options: RetentionOptions) {
    this.#log = log;
    this.#options = options;
    const span =
      'SELECT first_seq AS firstSeq, last_seq AS lastSeq, ms_min AS msMin, ms_max AS msMax, tier, block_key AS key, by_namespace AS byNamespace FROM span';
    this.#sql = {
      newestSpan: db.prepare<[], SpanRow>(`${span} ORDER BY last_seq DESC LIMIT 1`),
      spared: db.prepare<[number], number>('SELECT last_seq FROM span ORDER BY last_seq DESC LIMIT 1 OFFSET ?').pluck(),
      oldest: db.prepare<[number, number, number], SpanRow>(
        `${span} WHERE tier <= ? AND ms_max < ? AND last_seq < ? ORDER BY last_seq LIMIT 1`,
      ),
      again: db.prepare<[number, number, number], SpanRow>(
        `${span} WHERE tier BETWEEN ${STATISTICS} AND ${AGAIN_MAX - 1} AND ms_max < ? - ? * (1 << (tier - 1)) AND last_seq < ?
         ORDER BY last_seq LIMIT 1`,
      ),
      forRoomAgain: db.prepare<[number, number, number], SpanRow>(
        `${span} WHERE tier BETWEEN ${STATISTICS} AND ${AGAIN_MAX - 1}
           AND ? - last_seq >= ? * (CASE tier WHEN ${STATISTICS} THEN ${AGAIN_AT} ELSE 1 << (tier - 2) END) AND last_seq < ?
         ORDER BY last_seq LIMIT 1`,
      ),
      youngest: db.prepare<[number, number], SpanRow>(
        `${span} WHERE tier <= ${CHECKPOINTS} AND last_seq <= ? AND last_seq < ? ORDER BY last_seq DESC LIMIT 1`,
      ),
      keptFrom: db.prepare<[], { ms: number | null; seq: number | null }>(
        `SELECT min(ms) AS ms, min(seq) AS seq FROM (SELECT ms_min AS ms, first_seq AS seq FROM span WHERE tier < ${STATISTICS}
           UNION ALL SELECT observed_ms, seq FROM change WHERE seq > (SELECT max(last_seq) FROM span))
         WHERE EXISTS (SELECT 1 FROM span WHERE tier >= ${STATISTICS})`,
      ),
      tierOf: db.prepare<[number], number>('SELECT tier FROM span WHERE last_seq >= ? ORDER BY last_seq LIMIT 1').pluck(),
    };
  }

  /** Of what was before no more than statistics are kept; undefined where all is. */
  keptFrom(): KeptFrom | undefined {
    const { ms, seq } = this.#sql.keptFrom.get() ?? { ms: null, seq: null };
    return ms === null || seq === null ? undefined : { ms, seq };
  }

  /** What is kept of the time of a change. */
  tierOf(seq: number): number {
    return this.#sql.tierOf.get(seq) ?? ALL;
  }

  /** Where checkpoints of a span would free nothing: a share of what is kept goes at once, through this span at least. */
  dropShare({ lastSeq }: SpanRow): void {
    const from = this.#sql.oldest.get(CHECKPOINTS, Number.MAX_SAFE_INTEGER, lastSeq + 1)?.firstSeq ?? lastSeq;
    this.#dropThrough = Math.max(lastSeq, from + Math.floor((this.#log.newest() - from) * DROPPED_SHARE));
  }

  /** `overCap` makes the oldest due whatever its age. */
  due(overCap: boolean): Due | undefined {
    const newest = this.#sql.newestSpan.get();
    const spared = this.#sql.spared.get(SPANS_SPARED - 1);
    if (newest === undefined || spared === undefined) return undefined;
    // From its earliest time, so that one change with a wrong clock does not make everything else old.
    const now = newest.msMin;
    const { keepChangesMs, keepCheckpointsMs } = this.#options;
    const thin = this.#sql.oldest.get(ALL, now - keepChangesMs, spared);
    if (thin !== undefined) return { span: thin, tier: CHECKPOINTS };
    const dropMs = Math.max(keepCheckpointsMs, keepChangesMs);
    const drop = this.#sql.oldest.get(CHECKPOINTS, now - dropMs, spared);
    if (drop !== undefined) return { span: drop, tier: STATISTICS };
    const again = this.#sql.again.get(now, Math.max(dropMs, AGE_MIN_MS), spared);
    if (again !== undefined) return { span: again, tier: again.tier + 1 };
    return overCap ? this.#dueForRoom(spared) : undefined;
  }

  /** The oldest first, whatever its age. */
  #dueForRoom(spared: number): Due | undefined {
    const anyTime = Number.MAX_SAFE_INTEGER;
    const oldest = this.#sql.oldest.get(CHECKPOINTS, anyTime, spared);
    const newest = this.#log.newest();
    const keptFrom = oldest?.firstSeq ?? spared;
    const again = this.#sql.forRoomAgain.get(newest, newest - keptFrom, keptFrom);
    if (again !== undefined) return { span: again, tier: again.tier + 1 };
    const drop = this.#sql.youngest.get(this.#dropThrough, spared);
    if (drop !== undefined) return { span: drop, tier: STATISTICS };
    const thin = this.#sql.oldest.get(ALL, anyTime, spared);
    if (thin !== undefined) return { span: thin, tier: CHECKPOINTS, forRoom: true };
    return oldest === undefined ? undefined : { span: oldest, tier: STATISTICS };
  }
}
