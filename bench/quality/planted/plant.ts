/**
 * Labelled streams of one's own: incidents planted in the judged part of a clean stream, in the form that the quality bench and its scorer read.
 * The labelled streams hold two to eleven incidents of a class, by which a choice between two models is mostly luck; of these any number can be made.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { mulberry32 } from '../../random.ts';
import { MAKERS, type Planned, USUAL_CLASSES } from './incidents.ts';
import { keyOf, type StreamObject, type StreamRow, uidOf, World } from './world.ts';

const TRAINING_SHARE = 0.6;
/** Nothing is planted where a silence could no longer be told. */
const LAST_SHARE = 0.95;
const MISSED_MIN = 2;

export interface PlantOptions {
  data: string;
  stream: string;
  out: string;
  seed: number;
  /** Incidents of each class, where the stream offers as many moments. */
  each: number;
  /** Those of MAKERS; all but privilege unless given. */
  classes?: readonly string[];
}

interface Incident {
  id: string;
  class: string;
  start: string;
  end: string;
}

/** Writes `<stream>-<seed>.injected.jsonl.zst` with its incidents and silences to `out`, and gives the number of incidents by class. */
export function plant({ data, stream, out, seed, each, classes = USUAL_CLASSES }: PlantOptions): {
  name: string;
  planted: Record<string, number>;
} {
  const rows = readRows(join(data, `${stream}.jsonl.zst`));
  const name = `${stream}-${seed}`;
  const random = mulberry32(seed);
  const startMs = Date.parse(rows[0]!.ts);
  const spanMs = Date.parse(rows.at(-1)!.ts) - startMs;
  const from = rows.findIndex((row) => Date.parse(row.ts) > startMs + TRAINING_SHARE * spanMs);
  const to = rows.findIndex((row) => Date.parse(row.ts) > startMs + LAST_SHARE * spanMs);
  const wanted = new Map(classes.map((one) => [one, one === 'mass-delete' ? Math.ceil(each / 3) : each]));
  const odds = (8 * each * classes.length) / (to - from);
  const world = new World();
  const stage = new Stage(world);

  rows.forEach((row, i) => {
    stage.until(Date.parse(row.ts));
    if (!stage.real(row)) return;
    world.see(row);
    if (i < from || i >= to || random() > odds || row.type !== 'MODIFIED') return;
    const open = classes.filter((one) => wanted.get(one)! > 0);
    const chosen = open[Math.floor(random() * open.length)];
    const plan = chosen === undefined ? undefined : MAKERS[chosen]!({ world, row, random });
    if (chosen === undefined || plan === undefined) return;
    if (stage.plan(plan)) wanted.set(chosen, wanted.get(chosen)! - 1);
  });
  stage.until(Number.POSITIVE_INFINITY);
  const { incidents, silences, planted } = stage.told();
  const lines = stage.out.map((row, i) => {
    row.object = { ...row.object, metadata: { ...row.object.metadata, resourceVersion: `${(i + 1) * 3}` } };
    return JSON.stringify(row);
  });
  writeFileSync(join(out, `${name}.injected.jsonl.zst`), zstdCompressSync(`${lines.join('\n')}\n`));
  writeFileSync(join(out, `${name}.incidents.json`), JSON.stringify(incidents));
  writeFileSync(join(out, `${name}.silences.json`), JSON.stringify(silences));
  return { name, planted };
}

/** The stream as it is written: real rows, and between them what was planned, each when its time has come. */
class Stage {
  readonly out: StreamRow[] = [];
  readonly #world: World;
  readonly #planned: (Planned & { id: string; class: string })[] = [];
  readonly #shown = new Map<string, Incident>();
  /** Objects with something planted on or about them, so that one incident does not disturb another. */
  readonly #touched = new Map<string, { id: string; deleted: boolean }>();
  /** Identities of lives that ended here and not in the clean stream, with that of the life that begins anew: one that died never comes back. */
  readonly #reborn = new Map<string, string>();
  readonly #silences = new Map<string, { silence: Incident & Record<string, unknown>; untilMs: number; missed: number }>();
  #made = 0;

  constructor(world: World) {
    this.#world = world;
  }

  plan(plan: { class: string; events: Planned[]; silent?: { life: { key: string }; untilMs: number } }): boolean {
    const { silent } = plan;
    const keys = [...plan.events.map(({ key }) => key), ...(silent === undefined ? [] : [silent.life.key])];
    if (keys.some((key) => this.#touched.has(key) || this.#silences.has(key))) return false;
    const id = `${plan.class}-${this.#made++}`;
    for (const event of plan.events) {
      this.#touched.set(event.key, { id, deleted: false });
      this.#planned.push({ ...event, id, class: plan.class });
    }
    this.#planned.sort((a, b) => a.atMs - b.atMs);
    if (silent === undefined) return true;
    const [group, kind, namespace, name] = silent.life.key.split('\u0000') as [string, string, string, string];
    const start = this.out.at(-1)!.ts;
    const objects = [[group, kind, namespace, name]];
    const silence = {
      id,
      class: plan.class,
      start,
      end: textOf(silent.untilMs),
      scope: 'object',
      kind: [group, kind],
      actor: '',
      objects,
    };
    this.#silences.set(silent.life.key, { silence, untilMs: silent.untilMs, missed: 0 });
    return true;
  }

  /** Shows what was planned for before that time. */
  until(atMs: number): void {
    while (this.#planned.length > 0 && this.#planned[0]!.atMs <= atMs) {
      const planned = this.#planned.shift()!;
      const { id, class: name, key, actor, atMs: whenMs } = planned;
      const { cluster } = this.out[0]!;
      const life = this.#world.lives.get(key);
      const { type, object } = outcomeOf(planned, life?.alive === true ? life.object : undefined);
      if (object === undefined) {
        this.#touched.delete(key);
        continue;
      }
      const ts = textOf(whenMs);
      this.out.push({
        type,
        ts,
        cluster,
        actor,
        label: name,
        incident: id,
        object,
      });
      if (type === 'DELETED') this.#touched.set(key, { id, deleted: true });
      const shown = this.#shown.get(id);
      this.#shown.set(id, { id, class: name, start: shown?.start ?? ts, end: ts });
    }
  }

  /** Writes a real row, as aftermath where it mends what was planted; false where an incident made it impossible. */
  real(row: StreamRow): boolean {
    const key = keyOf(row.object);
    const silent = this.#silences.get(key);
    if (silent !== undefined && Date.parse(row.ts) <= silent.untilMs) {
      silent.missed++;
      return false;
    }
    const touched = this.#touched.get(key);
    const isShown = touched !== undefined && this.#shown.has(touched.id);
    if (isShown) {
      this.#touched.delete(key);
      if (touched.deleted && row.type === 'DELETED') return false;
    }
    const type = touched?.deleted === true ? 'ADDED' : row.type;
    const { metadata } = row.object;
    const uid = String(metadata.uid);
    if (isShown && touched.deleted) this.#reborn.set(uid, anotherUid(uid));
    const reborn = this.#reborn.get(uid);
    if (reborn !== undefined) row.object = { ...row.object, metadata: { ...metadata, uid: reborn } };
    const { commit: _, ...plain } = row;
    this.out.push({ ...plain, type, label: null, ...(isShown ? { aftermath: touched.id } : {}) });
    return true;
  }

  told(): { incidents: Incident[]; silences: Incident[]; planted: Record<string, number> } {
    const silences = [...this.#silences.values()].filter(({ missed }) => missed >= MISSED_MIN).map(({ silence }) => silence);
    const incidents = [...this.#shown.values(), ...silences];
    const planted: Record<string, number> = {};
    for (const { class: name } of incidents) planted[name] = (planted[name] ?? 0) + 1;
    return { incidents, silences, planted };
  }
}

/** What comes of what was planned, from the object that is there; no object where it no longer works. */
function outcomeOf(
  { atMs, born, change }: Planned,
  there: StreamObject | undefined,
): { type: StreamRow['type']; object: StreamObject | undefined } {
  if (born !== undefined) return { type: 'ADDED', object: there === undefined ? madeAt(atMs, born) : undefined };
  if (change === undefined) return { type: 'DELETED', object: there };
  return { type: 'MODIFIED', object: there && change(there) };
}

function anotherUid(uid: string): string {
  return uidOf(createHash('sha256').update(uid).digest('hex'));
}

function readRows(file: string): StreamRow[] {
  const params = { [constants.ZSTD_d_windowLogMax]: 31 };
  const text = zstdDecompressSync(readFileSync(file), { params }).toString('utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as StreamRow]));
}

function textOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** An object that is older than its own ADDED was there before, and is taken for listed. */
function madeAt(atMs: number, born: StreamObject): StreamObject {
  return { ...born, metadata: { ...born.metadata, creationTimestamp: textOf(atMs) } };
}
