/** A labelled stream of changes: what is to be found in its last two fifths, and what of it is neither a find nor a false alarm. */
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { constants, createZstdDecompress } from 'node:zlib';

/** The judged part begins at this share of the span; what comes before is for learning. */
const TRAINING_SHARE = 0.6;
const WINDOW_LOG_MAX = 31;

export interface Incident {
  id: string;
  class: string;
  startMs: number;
}

/** Changes that are missing, of the objects named or of an actor on a kind. */
export interface LabelledSilence {
  id: string;
  startMs: number;
  endMs: number;
  group: string;
  kind: string;
  /** Set where it is the actor who fell silent. */
  actor: string | undefined;
  objects: { namespace: string; name: string }[];
}

export interface LabelledEvent {
  atMs: number;
  object: string;
  actor: string;
  incident: string | undefined;
  /** Belongs to an incident, but is neither a hit nor a false alarm. */
  aftermath: boolean;
}

export interface LabelledStream {
  name: string;
  events: ReadonlyMap<string, LabelledEvent>;
  incidents: readonly Incident[];
  silences: readonly LabelledSilence[];
  cutMs: number;
  endMs: number;
  /** Events of the judged part that no incident made. */
  ordinary: number;
}

interface Row {
  ts: string;
  actor: string;
  incident?: string | null;
  aftermath?: string;
  object: { apiVersion: string; kind: string; metadata: { name: string; namespace?: string; resourceVersion: string } };
}

/** Reads `<dir>/<name>.injected.jsonl.zst` with its incidents and silences. */
export async function readLabelledStream(dir: string, name: string): Promise<LabelledStream> {
  const events = new Map<string, LabelledEvent>();
  const params = { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX };
  const bytes = createReadStream(join(dir, `${name}.injected.jsonl.zst`)).pipe(createZstdDecompress({ params }));
  let firstMs: number | undefined;
  let endMs = 0;
  for await (const line of createInterface({ input: bytes, crlfDelay: Number.POSITIVE_INFINITY })) {
    const row = JSON.parse(line) as Row;
    const { apiVersion, kind, metadata } = row.object;
    endMs = Date.parse(row.ts);
    firstMs ??= endMs;
    events.set(metadata.resourceVersion, {
      atMs: endMs,
      object: [apiVersion.split('/')[0], kind, metadata.namespace ?? '', metadata.name].join('\u0000'),
      actor: row.actor,
      incident: row.incident ?? undefined,
      aftermath: row.aftermath !== undefined,
    });
  }
  const cutMs = Math.floor(((firstMs ?? 0) + TRAINING_SHARE * (endMs - (firstMs ?? 0))) / 1000) * 1000;
  let ordinary = 0;
  for (const event of events.values()) if (event.atMs > cutMs && event.incident === undefined && !event.aftermath) ordinary++;
  return { name, events, ...readIncidents(dir, name), cutMs, endMs, ordinary };
}

function readIncidents(dir: string, name: string): Pick<LabelledStream, 'incidents' | 'silences'> {
  const read = <T>(what: string) => JSON.parse(readFileSync(join(dir, `${name}.${what}.json`), 'utf8')) as T[];
  const incidents = read<{ id: string; class: string; start: string }>('incidents').map((row) => ({
    id: row.id,
    class: row.class,
    startMs: Date.parse(row.start),
  }));
  type Silent = { id: string; start: string; end: string; kind: string[]; scope: string; actor: string; objects: string[][] };
  const silences = read<Silent>('silences').map((row) => ({
    id: row.id,
    startMs: Date.parse(row.start),
    endMs: Date.parse(row.end),
    group: row.kind[0] as string,
    kind: row.kind[1] as string,
    actor: row.scope === 'object' ? undefined : row.actor,
    objects: row.objects.map(([, , namespace, object]) => ({ namespace: namespace as string, name: object as string })),
  }));
  return { incidents, silences };
}
