/**
 * A change as `crowsnest db export` writes it: a line of the stream format (docs/stream-format.md), so that `replay` and `backtest` read it
 * too, with what only the record knows in the member `crowsnest`. Pure.
 */

import { parseLine } from '../collector/recording/stream-format.ts';
import { formatSide } from '../collector/recording/stream-side.ts';
import { ACTOR_SOURCES, type Actor, type Change } from '../domain/change.ts';
import { isJsonObject, type Json } from '../domain/json.ts';
import type { ToldLists } from '../domain/schema-book.ts';
import type { Place, ToldVerdict, Verdict } from '../domain/verdict.ts';
import type { Attribution } from '../domain/who/claim-join.ts';
import type { RecordedBeside, ToldChange } from '../pipeline/import.ts';
import type { ChangeSummary, Reject } from '../store/store.ts';

/** `checkpoint`: it stands for changes of its object before it that are not in the export. */
export function exportLine(change: Change, attribution: Attribution | undefined, checkpoint = false): string {
  const { seq, type, observedMs, ref, origin, actor, candidates, own, state } = change;
  const beside = {
    seq,
    own,
    actor,
    candidates,
    attribution: attribution?.evidence.length === 0 ? undefined : attribution,
    ...(checkpoint && { checkpoint }),
  };
  const ts = new Date(observedMs).toISOString();
  return JSON.stringify({
    type,
    ts,
    cluster: ref.cluster,
    origin,
    actor: (attribution ?? change).actor.name,
    object: state,
    crowsnest: beside,
  });
}

/** The lines of what people said, each with the number of the change that it stands behind, in the order of those. */
export function verdictLines(
  verdicts: readonly Verdict[],
  changeOf: (seq: number) => Identified | undefined,
): { afterSeq: number; about: number | undefined; line: (atMs: number) => string }[] {
  const lines = verdicts.flatMap(({ place, change, withdrawn, ...said }) => {
    const about = change === undefined ? undefined : changeOf(change.seq);
    const told: ToldVerdict = { ...said, ...(about === undefined ? {} : { change: identityOf(about) }) };
    const lineOf = ({ seq, clockMs }: Place, taken: ToldVerdict) => ({
      ...{ afterSeq: seq, about: change?.seq },
      line: (atMs: number) => formatSide({ verdict: clockMs === undefined ? taken : { ...taken, clockMs }, atMs }),
    });
    if (withdrawn === undefined) return [lineOf(place, told)];
    const { place: end, ...by } = withdrawn;
    return [lineOf(place, told), lineOf(end, { ...told, withdrawn: by })];
  });
  return lines.sort((a, b) => a.afterSeq - b.afterSeq);
}

type Identified = NonNullable<ToldVerdict['change']>;

function identityOf({ ref, uid, resourceVersion, type }: Identified): Identified {
  return { ref, uid, resourceVersion, type };
}

/** What a line holds; `undefined` for a line that is no change (a scrape, an event), a reject for what is wrong. */
export function parseExported(
  text: string,
  line: number,
  context: { cluster: string; file: string },
): ToldChange | { verdict: ToldVerdict } | { lists: ToldLists } | { reject: Reject } | undefined {
  const parsed = parseLine(text, line, { ...context, observedMs: 0 });
  if ('reject' in parsed) return parsed;
  if ('verdict' in parsed) return { verdict: parsed.verdict };
  if ('lists' in parsed) return { lists: parsed.lists };
  if (!('observation' in parsed)) return undefined;
  const { cluster, type, origin, observedMs, object, actor } = parsed.observation;
  const member = (JSON.parse(text) as Record<string, Json>).crowsnest;
  const beside = member === undefined ? undefined : readBeside(member);
  if (beside === 'wrong') {
    const what = 'the member crowsnest is not what db export writes';
    return { reject: { cluster, code: 'STREAM_BAD_LINE', where: `${context.file}:${line}`, what, observedMs } };
  }
  return { cluster, type, origin, observedMs, object, actorName: actor, beside };
}

function readBeside(member: Json): RecordedBeside | 'wrong' {
  if (!isJsonObject(member) || !isActor(member.actor) || !isActors(member.candidates) || typeof member.own !== 'boolean')
    return 'wrong';
  const { actor, candidates, own, attribution } = member;
  const checkpoint = member.checkpoint === true;
  if (attribution === undefined) return { actor, candidates, own, checkpoint };
  if (!isJsonObject(attribution) || !isActor(attribution.actor) || !isActors(attribution.candidates)) return 'wrong';
  const { evidence } = attribution;
  const isEvidence = (one: Json) =>
    isJsonObject(one) &&
    typeof one.id === 'string' &&
    typeof one.source === 'string' &&
    typeof one.atMs === 'number' &&
    isJsonObject(one.user);
  if (!Array.isArray(evidence) || !evidence.every(isEvidence)) return 'wrong';
  return { actor, candidates, own, checkpoint, attribution: attribution as unknown as Attribution };
}

function isActors(value: Json | undefined): value is Json[] & Actor[] {
  return Array.isArray(value) && value.every(isActor);
}

function isActor(value: Json | undefined): value is Json & Actor {
  return (
    isJsonObject(value) &&
    typeof value.name === 'string' &&
    ACTOR_SOURCES.some((source) => source === value.source) &&
    typeof value.confidence === 'number'
  );
}

export const CSV_COLUMNS = [
  ...['seq', 'time', 'cluster', 'group', 'version', 'kind', 'namespace', 'name', 'uid', 'type', 'origin'],
  ...['resourceVersion', 'generation', 'actor', 'actorSource', 'actorConfidence', 'own', 'paths'],
] as const;

/** A row of the table (RFC 4180, without its line end); `paths` are separated by blanks. */
export function csvRow(change: ChangeSummary): string {
  const { seq, observedMs, ref, uid, type, origin, resourceVersion, generation = '', actor, own, paths } = change;
  const { cluster, group, version, kind, namespace, name } = ref;
  const cells = [seq, new Date(observedMs).toISOString(), cluster, group, version, kind, namespace, name, uid, type, origin];
  cells.push(...[resourceVersion, generation, actor.name, actor.source, actor.confidence, String(own), paths.join(' ')]);
  return cells.map(csvCell).join(',');
}

/** Text that a spreadsheet would take for a formula is marked as text with an apostrophe. */
function csvCell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
