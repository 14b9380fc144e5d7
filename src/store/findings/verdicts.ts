/** What people said of findings: one JSON text each, sealed like a finding's, and the change that it keeps. */
import type Database from 'better-sqlite3';
import type { Finding } from '../../domain/finding.ts';
import type { Verdict, VerdictHits } from '../../domain/verdict.ts';
import { compress, decompress } from '../pack/block-codec.ts';
import type { ValueSeal } from '../seal/value-seal.ts';
import { COMPRESSION_LEVEL } from './findings.ts';

/** Within one span of changes. */
const KEPT_MAX = 1_000;

export class Verdicts {
  readonly #seal: ValueSeal;
  readonly #sql;

  constructor(db: Database.Database, seal: ValueSeal) {
    this.#seal = seal;
    this.#sql = {
      put: db.prepare<[string, string, number | null, number | null, Buffer]>(
        `INSERT INTO verdict (id, finding_id, change_seq, change_ms, data) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET change_seq = excluded.change_seq, change_ms = excluded.change_ms, data = excluded.data`,
      ),
      all: db.prepare<[], Buffer>('SELECT data FROM verdict ORDER BY seq').pluck(),
      hit: db.prepare<[string, number, number, number]>(
        `INSERT INTO verdict_hit (verdict_id, muted, raised, last_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (verdict_id) DO UPDATE SET muted = muted + excluded.muted, raised = raised + excluded.raised,
           last_ms = max(last_ms, excluded.last_ms)`,
      ),
      hits: db.prepare<[], VerdictHits & { id: string }>(
        'SELECT verdict_id AS id, muted, raised, last_ms AS lastMs FROM verdict_hit',
      ),
      kept: db
        .prepare<[number, number, number], number>(
          'SELECT change_seq FROM verdict WHERE change_seq IS NOT NULL AND change_ms BETWEEN ? AND ? LIMIT ?',
        )
        .pluck(),
    };
  }

  /** Stores one, in place of one of the same id. */
  put(verdict: Verdict): void {
    const keeps = verdict.verdict === 'wrong' && verdict.withdrawn === undefined ? verdict.change : undefined;
    const data = this.#seal.seal(compress(Buffer.from(JSON.stringify(verdict), 'utf8'), COMPRESSION_LEVEL));
    this.#sql.put.run(verdict.id, verdict.findingId, keeps?.seq ?? null, keeps?.ms ?? null, data);
  }

  /** In the order they were given, withdrawn ones included. */
  all(): Verdict[] {
    return this.#sql.all.all().map((data) => unpackVerdict(data, this.#seal));
  }

  /** Counts a finding that a verdict decided; once, as it is stored. */
  count({ decision: { heard, verdict }, tsMs }: Finding): void {
    if (heard !== undefined) this.#sql.hit.run(heard, verdict === 'page' ? 0 : 1, verdict === 'page' ? 1 : 0, tsMs);
  }

  /** By verdict; of those that decided nothing there is none. */
  hits(): Map<string, VerdictHits> {
    return new Map(this.#sql.hits.all().map(({ id, ...hits }) => [id, hits]));
  }

  /** Changes within a time that somebody called wrong. */
  kept(fromMs: number, toMs: number): number[] {
    return this.#sql.kept.all(fromMs, toMs, KEPT_MAX);
  }
}

export function unpackVerdict(data: Buffer, seal: ValueSeal): Verdict {
  return JSON.parse(decompress(seal.open(data)).toString('utf8')) as Verdict;
}
