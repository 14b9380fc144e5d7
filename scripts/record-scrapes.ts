/**
 * Records a day of scrapes of real operators in less than a day: `node scripts/record-scrapes.ts FOLDER [MINUTES] [SEED]`. The operators run at a
 * real API server and the hour of work of test/operators/work-plan.ts is played to them; their whole /metrics pages are read 5,760 times,
 * evenly spread over the minutes, and dated 15 s apart; how many milliseconds late a reading began is kept beside. Values are as they were read.
 * So what happens in a day is right in number of writes, restarts and reconciles for a quiet cluster; what goes by the clock alone (renewed
 * leases, garbage collection) moves less between two scrapes than it would.
 *
 * One file for each operator, NDJSON. First `{"operator","version","everyMs","readEveryMs","seed"}`, then a line for each scrape:
 * `{"ts": ms, "late": ms, "new": [[metric, labels], …], "set": [place, value, …], "gone": [place, …]}`. A series has the place in which it came up in
 * `new`, keeps its value until it is set again, and is on the page until it is gone. NaN and infinities are strings.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseExposition } from '../src/collector/reconcile/exposition.ts';
import { createPlayer } from '../test/operators/play-work.ts';
import { planWork } from '../test/operators/work-plan.ts';
import { startOperatorSession } from './operator-session.ts';
import { OPERATOR_NAMES, type OperatorName } from './real-operators.ts';

const SCRAPES = 5_760;
const DATED_EVERY_MS = 15_000;
const FIRST_MS = Date.UTC(2026, 10, 26);
const PLAN_MS = 3_600_000;

const [folder, minutes = '30', seedText = '4'] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: record-scrapes.ts FOLDER [MINUTES] [SEED]');
const seed = Number(seedText);
const lengthMs = Number(minutes) * 60_000;
const readEveryMs = lengthMs / SCRAPES;

/** Writes what changed from page to page. */
class PageDiffs {
  readonly #file: WriteStream;
  readonly #places = new Map<string, number>();
  #values = new Map<number, string>();

  constructor(file: string, head: object) {
    this.#file = createWriteStream(file);
    this.#file.write(`${JSON.stringify(head)}\n`);
  }

  add(tsMs: number, lateMs: number, text: string): void {
    const fresh: unknown[] = [];
    const set: unknown[] = [];
    const values = new Map<number, string>();
    for (const { metric, labels, value } of parseExposition(text)) {
      const key = JSON.stringify([metric, labels]);
      let place = this.#places.get(key);
      if (place === undefined) {
        place = this.#places.size;
        this.#places.set(key, place);
        fresh.push([metric, labels]);
      }
      const written = Number.isFinite(value) ? String(Object.is(value, -0) ? '-0' : value) : `"${value}"`;
      if (this.#values.get(place) !== written) set.push(place, Number.isFinite(value) ? value : String(value));
      values.set(place, written);
    }
    const gone = [...this.#values.keys()].filter((place) => !values.has(place));
    this.#values = values;
    const line = {
      ts: tsMs,
      late: lateMs,
      ...(fresh.length > 0 ? { new: fresh } : {}),
      set,
      ...(gone.length > 0 ? { gone } : {}),
    };
    this.#file.write(`${JSON.stringify(line)}\n`);
  }

  end(): Promise<void> {
    return new Promise((resolve) => this.#file.end(resolve));
  }
}

const { rig, report, stopping } = await startOperatorSession(folder, seed);
try {
  const pace = lengthMs / PLAN_MS;
  const steps = planWork(seed).map((step) => ({ ...step, atMs: step.atMs * pace }));
  const startMs = Date.now() - steps[0]!.atMs;
  const player = createPlayer(rig, report);
  const played = player.play(steps, startMs, stopping);
  await Promise.all([played, ...OPERATOR_NAMES.map((name, i) => readPages(name, startMs + (i * readEveryMs) / 2))]);
  report(`end: ${player.done().length} writes`);
} finally {
  await rig.stop();
}

/** A page that does not come (the operator restarts) is a scrape that is missing. */
async function readPages(operator: OperatorName, startMs: number): Promise<void> {
  const head = { operator, version: rig.version(operator), everyMs: DATED_EVERY_MS, readEveryMs, seed };
  const diffs = new PageDiffs(join(folder!, `${operator}.ndjson`), head);
  for (let i = 0; i < SCRAPES && !stopping.aborted; i++) {
    const dueMs = startMs + i * readEveryMs;
    await delay(Math.max(0, dueMs - Date.now()), undefined, { signal: stopping }).catch(() => {});
    const lateMs = Math.max(0, Math.round(Date.now() - dueMs));
    try {
      const answer = await fetch(rig.metricsTarget(operator), { headers: { accept: 'text/plain;version=0.0.4' } });
      if (answer.ok) diffs.add(FIRST_MS + i * DATED_EVERY_MS, lateMs, await answer.text());
    } catch (error) {
      report(`${operator}, scrape ${i}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await diffs.end();
}
