/** The lines of a state with the change that set each: runs of lines by one change, and how old it is on a ramp. Pure. */
import { namedLists } from '../../domain/diff/named-lists.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Blame } from './types.ts';
import { type DiffLine, diffLines } from './yaml-diff.ts';

export type BlameChange = Blame['changes'][number];

export interface BlameLine extends Pick<DiffLine, 'indent' | 'text' | 'path'> {
  /** Absent of a heading and of what the API server keeps. */
  by?: BlameChange | undefined;
  /** Set by this change, of which nothing is kept. */
  gone?: number;
  /** Set by that change or an earlier one. */
  orEarlier?: boolean;
  /** 0, oldest, to AGES - 1. */
  age?: number | undefined;
  /** The line above was set by another one. */
  begins: boolean;
}

/** Steps of the ramp. */
export const AGES = 6;

export function blameLines(state: JsonObject, { fields, changes }: Pick<Blame, 'fields' | 'changes'>): BlameLine[] {
  const bySeq = new Map(changes.map((change) => [change.seq, change]));
  const byPath = new Map(fields.map((field) => [field.path, field]));
  const ageOf = ages(changes);
  let above: number | undefined;
  return diffLines(state, state, namedLists(byPath.keys())).map(({ indent, text, path }) => {
    const field = byPath.get(path);
    const seq = field?.seq ?? field?.notAfter;
    const by = seq === undefined ? undefined : bySeq.get(seq);
    const gone = field?.gone === true ? seq : undefined;
    // A heading among the lines of one change does not part them.
    const setBy = by?.seq ?? gone;
    const begins = setBy !== undefined && setBy !== above;
    if (setBy !== undefined) above = setBy;
    const orEarlier = field?.notAfter !== undefined;
    return {
      indent,
      text,
      path,
      by,
      begins,
      age: by && ageOf(by),
      ...(orEarlier ? { orEarlier } : {}),
      ...(gone === undefined ? {} : { gone }),
    };
  });
}

/** By rank and not by time: one old change would make all others look new. */
function ages(changes: readonly BlameChange[]): (change: BlameChange) => number {
  const order = [...changes].sort((a, b) => a.seq - b.seq).map(({ seq }) => seq);
  const steps = Math.max(1, order.length - 1);
  return ({ seq }) => (order.length === 1 ? AGES - 1 : Math.round((order.indexOf(seq) / steps) * (AGES - 1)));
}
