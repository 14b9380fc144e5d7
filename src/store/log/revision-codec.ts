/**
 * One record: what a change stores of the state it led to, as JSON text. Pure.
 *
 *   {…}               a full state or a patch (domain/field-diff), without metadata.resourceVersion and metadata.generation
 *   [{…}, {…}]        the same as the second item; the first holds those two fields where they differ from the row's columns
 *   [{…}, {…}, "whole"]  a full state in place of the patch that the change's row speaks of; the first item is null where it has nothing to say
 *
 * The two fields change with nearly every revision and are columns of the change already: left out here they cost nothing, and they are
 * put back when the state is rebuilt.
 */
import { applyPatch, makePatch, type StatePatch } from '../../domain/diff/field-diff.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../domain/json.ts';
import type { KubeObject } from '../../domain/object-ref.ts';

/** The columns that stand for the two fields. */
export interface RevisionColumns {
  resourceVersion: string;
  generation: number | undefined;
}

/** A state without the two fields. */
export interface BareState extends JsonObject {}

interface OwnFields extends JsonObject {}

export function bareOf(state: KubeObject): BareState {
  if (!isJsonObject(state.metadata)) return state;
  const { resourceVersion: _, generation: __, ...metadata } = state.metadata;
  return { ...state, metadata };
}

/** The text of a full state; `bare` is that of `state`. */
export function encodeFull(bare: BareState, state: KubeObject, columns: RevisionColumns): string {
  return wrap(bare, ownFields(state, columns));
}

const WHOLE = 'whole';
const WHOLE_END = `,"${WHOLE}"]`;

/** The same where a patch was expected. */
export function encodeWhole(bare: BareState, state: KubeObject, columns: RevisionColumns): string {
  return JSON.stringify([ownFields(state, columns) ?? null, bare, WHOLE]);
}

export function isWhole(text: string): boolean {
  return text.endsWith(WHOLE_END);
}

/** The text of the difference, undefined when the states are equal but for the two fields as the columns have them. */
export function encodePatch(before: BareState, bare: BareState, state: KubeObject, columns: RevisionColumns): string | undefined {
  const patch = makePatch(before, bare);
  const own = ownFields(state, columns);
  return patch === undefined && own === undefined ? undefined : wrap(patch ?? {}, own);
}

/** A record as it is read: a state or a patch, which it says itself, as a state has members that no patch has. */
export interface ParsedRecord {
  own: OwnFields | undefined;
  body: JsonObject;
  isState: boolean;
}

/** Throws on text that is no record. */
export function parseRecord(text: string): ParsedRecord {
  const parsed = parseJson(text);
  const [own, body, mark] = Array.isArray(parsed) ? parsed : [undefined, parsed];
  if (!isJsonObject(body)) throw new TypeError('a record is neither a state nor a patch');
  return { own: isJsonObject(own) ? own : undefined, body, isState: mark === WHOLE || 'metadata' in body || 'kind' in body };
}

/** The bare state a record leads to. Throws on a patch without a state. */
export function applyRecord({ body, isState }: ParsedRecord, before: BareState | undefined): BareState {
  if (isState) return body;
  if (before === undefined) throw new TypeError('a patch without a state to apply it to');
  return applyPatch(before as Json, body as StatePatch) as BareState;
}

/** The state as it was given, from the bare one and the columns. */
export function dress(bare: BareState, columns: RevisionColumns, own: OwnFields | undefined): KubeObject {
  if (!isJsonObject(bare.metadata)) return bare as KubeObject;
  const fields: JsonObject = own ?? columnFields(columns);
  return { ...bare, metadata: { ...bare.metadata, ...fields } } as unknown as KubeObject;
}

function columnFields(columns: RevisionColumns): JsonObject {
  return columns.generation === undefined
    ? { resourceVersion: columns.resourceVersion }
    : { resourceVersion: columns.resourceVersion, generation: columns.generation };
}

function ownFields(state: KubeObject, columns: RevisionColumns): OwnFields | undefined {
  const { metadata } = state;
  if (metadata.resourceVersion === columns.resourceVersion && metadata.generation === columns.generation) return undefined;
  const own: OwnFields = {};
  if (metadata.resourceVersion !== undefined) own.resourceVersion = metadata.resourceVersion;
  if (metadata.generation !== undefined) own.generation = metadata.generation;
  return own;
}

function wrap(body: JsonObject, own: OwnFields | undefined): string {
  return JSON.stringify(own === undefined ? body : [own, body]);
}
