/**
 * Findings that upkeep has not filed yet: one row for those decided together, in lines of JSON, and no index to keep up with each. Few, so that
 * whoever looks for one goes through all. The store that writes keeps them in memory; one that reads beside it reads them each time.
 */
import type Database from 'better-sqlite3';
import type { Finding } from '../domain/finding.ts';
import { corruptRecord } from './store-errors.ts';
import type { ValueSeal } from './value-seal.ts';

export interface YoungFinding {
  finding: Finding;
  text: string;
}

export class YoungFindings {
  readonly #seal: ValueSeal;
  readonly #keeps: boolean;
  readonly #sql;
  #all: Map<string, YoungFinding> | undefined;
  /** Put, and not written yet. */
  #pending: string[] = [];

  constructor(db: Database.Database, seal: ValueSeal) {
    this.#seal = seal;
    this.#keeps = !db.readonly;
    this.#sql = {
      add: db.prepare<[Buffer | string]>('INSERT INTO finding_young (data) VALUES (?)'),
      all: db.prepare<[], Buffer | string>('SELECT data FROM finding_young ORDER BY id').pluck(),
      clear: db.prepare('DELETE FROM finding_young'),
    };
  }

  get size(): number {
    return this.#load().size;
  }

  /** By id, in the order they were decided. */
  all(): ReadonlyMap<string, YoungFinding> {
    return this.#load();
  }

  put(finding: Finding): void {
    const text = JSON.stringify(finding);
    this.#load().set(finding.id, { finding, text });
    this.#pending.push(text);
  }

  /** Writes what was put; within the transaction that it was put in. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const data = this.#pending.join('\n');
    this.#pending = [];
    this.#sql.add.run(this.#seal.keyId === undefined ? data : this.#seal.seal(Buffer.from(data, 'utf8')));
  }

  /** Gives all of them up to the caller, who files them in the same transaction. */
  take(): YoungFinding[] {
    const all = [...this.#load().values()];
    this.#sql.clear.run();
    this.#all = undefined;
    this.#pending = [];
    return all;
  }

  forget(): void {
    this.#all = undefined;
    this.#pending = [];
  }

  #load(): Map<string, YoungFinding> {
    if (this.#all !== undefined) return this.#all;
    const all = new Map<string, YoungFinding>();
    for (const data of this.#sql.all.all())
      for (const young of youngFindingsOf(data, this.#seal)) all.set(young.finding.id, young);
    if (this.#keeps) this.#all = all;
    return all;
  }
}

/** What a row of them says. Throws STORE_CORRUPT. */
export function youngFindingsOf(data: Buffer | string, seal: ValueSeal): YoungFinding[] {
  const text = typeof data === 'string' ? data : seal.open(data).toString('utf8');
  try {
    return text.split('\n').map((line) => ({ finding: JSON.parse(line) as Finding, text: line }));
  } catch (error) {
    throw corruptRecord('young findings do not decode', text.slice(0, 20), error);
  }
}
