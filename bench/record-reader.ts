/** Reads a database that Crowsnest is writing, from outside: costs the writer nothing and sees only what is committed. */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

export interface Progress {
  /** Changes and heartbeats. */
  total: number;
  /** Up to this change they are judged. */
  judged: number;
  /** Changes that are recorded and not judged yet. */
  pending: number;
}

export interface Recorded {
  /** Changes that came by watch. */
  changes: number;
  /** The same, each uid and resourceVersion once. */
  distinct: number;
  heartbeats: number;
}

/** The bits of change.flags that hold the origin; 0 is the watch (docs/data-format.md). */
const ORIGIN_BITS = 12;

export class RecordReader {
  readonly #file: string;
  readonly #judged: boolean;
  #db: DatabaseSync | undefined;

  /** `judged`: also wait for the judgement of what is recorded. */
  constructor(file: string, { judged }: { judged: boolean }) {
    this.#file = file;
    this.#judged = judged;
  }

  /** Waits for a state of the record; gives up when nothing moves for `stallMs`, with what there is. */
  async until(
    reached: (progress: Progress) => boolean,
    { pollMs, stallMs }: { pollMs: number; stallMs: number },
  ): Promise<Progress> {
    let last = { total: -1, judged: -1, pending: -1 };
    for (let movedMs = performance.now(); performance.now() - movedMs < stallMs; await delay(pollMs)) {
      const now = this.now();
      if (reached(now)) return now;
      if (now.total !== last.total || now.pending !== last.pending) movedMs = performance.now();
      last = now;
    }
    process.stderr.write(`nothing more was recorded for ${stallMs / 1000} s\n`);
    return last;
  }

  now(): Progress {
    const total = this.#tally('changes') + this.#tally('heartbeats');
    const newest = this.#number('SELECT max(seq) AS n FROM change');
    if (!this.#judged) return { total, judged: newest, pending: 0 };
    const judged = this.#number("SELECT position AS n FROM cursor WHERE name = 'analysis.changes'");
    return { total, judged, pending: newest - judged };
  }

  count(): Recorded {
    const row = this.#open()
      .prepare(
        `SELECT count(*) AS changes, count(DISTINCT l.uid || ' ' || c.rv) AS "distinct" FROM change c JOIN life l ON l.id = c.life_id
         WHERE c.flags & ${ORIGIN_BITS} = 0`,
      )
      .get() as { changes: number; distinct: number };
    return { changes: row.changes, distinct: row.distinct, heartbeats: this.#tally('heartbeats') };
  }

  close(): void {
    this.#db?.close();
  }

  #tally(name: string): number {
    return this.#number(`SELECT total AS n FROM tally WHERE name = '${name}'`);
  }

  #number(sql: string): number {
    return Number((this.#open().prepare(sql).get() as { n: number | string | null } | undefined)?.n ?? 0);
  }

  #open(): DatabaseSync {
    this.#db ??= new DatabaseSync(this.#file, { readOnly: true });
    return this.#db;
  }
}
