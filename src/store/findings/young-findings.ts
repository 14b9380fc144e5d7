/**
 * Findings that upkeep has not filed yet: one row for those decided together, in lines of JSON, and no index to keep up with each. Few, so that
 * whoever looks for one goes through all. The store that writes keeps in memory what they are looked for by, and not what they say: that would live just
 * long enough to be moved to the heap's old space. One that reads beside it reads them each time.
 */
import type Database from 'better-sqlite3';
import type { Finding } from '../../domain/finding.ts';
import { parseJson } from '../../domain/json.ts';
import type { ValueSeal } from '../seal/value-seal.ts';
import { corruptRecord } from '../store-errors.ts';
import { columnsOf, type FindingColumns } from './finding-columns.ts';

export interface YoungFinding {
  columns: FindingColumns;
  read(): Finding;
}

export class YoungFindings {
  readonly #seal: ValueSeal;
  readonly #keeps: boolean;
  readonly #sql;
  /** By id, in the order they were decided, which is that of their lines. */
  #columns: Map<string, FindingColumns> | undefined;
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
    return this.#kept().size;
  }

  has(id: string): boolean {
    return this.#kept().has(id);
  }

  /** Those that fit, in the order they were decided. */
  where(fits: (columns: FindingColumns) => boolean): YoungFinding[] {
    let lines = this.#columns === undefined ? this.#lines() : undefined;
    const kept = lines === undefined ? this.#kept() : this.#keep(lines);
    const found: YoungFinding[] = [];
    let at = 0;
    for (const columns of kept.values()) {
      const line = at++;
      if (!fits(columns)) continue;
      const read = () => {
        lines ??= this.#lines();
        return findingOf(lines[line] as string);
      };
      found.push({ columns, read });
    }
    return found;
  }

  /** One that is not there yet. */
  put(finding: Finding): void {
    this.#kept().set(finding.id, columnsOf(finding));
    this.#pending.push(JSON.stringify(finding));
  }

  /** Writes what was put; within the transaction that it was put in. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const data = this.#pending.join('\n');
    this.#pending = [];
    this.#sql.add.run(this.#seal.keyId === undefined ? data : this.#seal.seal(Buffer.from(data, 'utf8')));
  }

  /** Gives all of them up to the caller, who files them in the same transaction. */
  take(): { columns: FindingColumns; text: string }[] {
    this.flush();
    const lines = this.#lines();
    const taken = [...this.#kept().values()].map((columns, i) => ({ columns, text: lines[i] as string }));
    this.#sql.clear.run();
    this.forget();
    return taken;
  }

  forget(): void {
    this.#columns = undefined;
    this.#pending = [];
  }

  #lines(): string[] {
    return this.#sql.all.all().flatMap((data) => linesOf(data, this.#seal));
  }

  #kept(): Map<string, FindingColumns> {
    return this.#columns ?? this.#keep(this.#lines());
  }

  #keep(lines: readonly string[]): Map<string, FindingColumns> {
    const columns = new Map(lines.map((line) => columnsOf(findingOf(line))).map((each) => [each.id, each]));
    if (this.#keeps) this.#columns = columns;
    return columns;
  }
}

/** What a row of them says. Throws STORE_CORRUPT. */
export function youngFindingsOf(data: Buffer | string, seal: ValueSeal): Finding[] {
  return linesOf(data, seal).map(findingOf);
}

function linesOf(data: Buffer | string, seal: ValueSeal): string[] {
  return (typeof data === 'string' ? data : seal.open(data).toString('utf8')).split('\n');
}

function findingOf(line: string): Finding {
  try {
    return parseJson(line) as unknown as Finding;
  } catch (error) {
    throw corruptRecord('young findings do not decode', line.slice(0, 20), error);
  }
}
