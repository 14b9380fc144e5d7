/** Who made a change, as it became known after or beside the change itself. Rows are added, never changed; the newest one counts. */
import type Database from 'better-sqlite3';
import { Recent } from '../../domain/recent.ts';
import type { Attribution, Evidence } from '../../domain/who/claim-join.ts';
import { storedJson } from '../store-errors.ts';
import type { Interning } from './interning.ts';

const WRITERS_CACHED = 5_000;

export interface AttributionRow {
  actorSetId: number;
  /** See unpack. */
  evidence: string;
}

/** Addresses stand here and not with the writer: behind a proxy each request may have another. */
type PackedEvidence = [
  source: Evidence['source'],
  id: string,
  atMs: number,
  match: Evidence['match'],
  writerId: number,
  ...sourceIPs: string[],
];
type Details = Omit<Evidence['user'], 'sourceIPs'>;

export class Attributions {
  readonly #interning: Interning;
  readonly #writerIds = new Recent<string, number>(WRITERS_CACHED);
  readonly #sql;

  constructor(db: Database.Database, interning: Interning) {
    this.#interning = interning;
    this.#sql = {
      writerId: db.prepare<[string], number>('SELECT id FROM writer WHERE details = ?').pluck(),
      writerAdd: db.prepare<[string]>('INSERT INTO writer (details) VALUES (?)'),
      writer: db.prepare<[number], string>('SELECT details FROM writer WHERE id = ?').pluck(),
      add: db.prepare<[number, number, number, string]>(
        'INSERT INTO attribution (change_seq, known_ms, actor_set_id, evidence) VALUES (?, ?, ?, ?)',
      ),
      newest: db.prepare<[number], AttributionRow>(
        'SELECT actor_set_id AS actorSetId, evidence FROM attribution WHERE change_seq = ? ORDER BY id DESC LIMIT 1',
      ),
    };
  }

  forget(): void {
    this.#writerIds.clear();
  }

  add(seq: number, knownMs: number, { actor, candidates, evidence }: Attribution): void {
    const packed = evidence.map(({ source, id, atMs, match, user: { sourceIPs = [], ...details } }): PackedEvidence => {
      return [source, id, atMs, match, this.#writerIdOf(details), ...sourceIPs];
    });
    this.#sql.add.run(seq, knownMs, this.#interning.actorSetId(actor, candidates), JSON.stringify(packed));
  }

  newest(seq: number): AttributionRow | undefined {
    return this.#sql.newest.get(seq);
  }

  unpack(evidence: string): Evidence[] {
    const packed = storedJson(evidence, 'what tells who made a change', 'attribution') as PackedEvidence[];
    return packed.map(([source, id, atMs, match, writerId, ...sourceIPs]) => {
      const stored = this.#sql.writer.get(writerId) ?? '{"name":"unknown"}';
      const details = storedJson(stored, 'what is known of a writer', `writer ${writerId}`) as Details;
      return { source, id, atMs, match, user: sourceIPs.length === 0 ? details : { ...details, sourceIPs } };
    });
  }

  #writerIdOf(details: Details): number {
    const text = JSON.stringify(details);
    let id = this.#writerIds.get(text) ?? this.#sql.writerId.get(text);
    id ??= Number(this.#sql.writerAdd.run(text).lastInsertRowid);
    this.#writerIds.set(text, id);
    return id;
  }
}
