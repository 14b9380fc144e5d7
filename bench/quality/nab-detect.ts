/** The series detector of the product over the rows of a file, one after the other, as it would see them live. */
import {
  type AlarmConstants,
  type CombineConstants,
  combineRow,
  isAlarm,
  makeAlarm,
  makeMemory,
} from '../../src/model/series/combine-channels.ts';
import { CHANNELS, type EvidenceConstants, makeEvidence, weigh } from '../../src/model/series/evidence.ts';
import type { NabFile } from './nab-corpus.ts';

/** The channels' bits, row by row. They do not depend on the constants that are chosen, so they are reckoned once. */
export function bitsOfFile({ atMs, values }: Pick<NabFile, 'atMs' | 'values'>, constants: EvidenceConstants): Float32Array {
  const state = makeEvidence(constants);
  const out = new Float32Array(values.length * CHANNELS.length);
  for (let row = 0; row < values.length; row++)
    out.set(weigh(state, atMs[row] as number, values[row] as number, constants).bits, row * CHANNELS.length);
  return out;
}

export function scoresOf(bits: Float32Array, constants: CombineConstants): Float32Array {
  const memory = makeMemory();
  const out = new Float32Array(bits.length / CHANNELS.length);
  for (let row = 0; row < out.length; row++)
    out[row] = combineRow(memory, bits.subarray(row * CHANNELS.length, (row + 1) * CHANNELS.length), row, constants);
  return out;
}

/** Rows at which an alarm is told. */
export function alarmsOf(scores: Float32Array, { atMs }: Pick<NabFile, 'atMs'>, constants: AlarmConstants): number[] {
  const alarm = makeAlarm();
  const out: number[] = [];
  for (let row = 0; row < scores.length; row++)
    if (isAlarm(alarm, { score: scores[row] as number, atMs: atMs[row] as number }, constants)) out.push(row);
  return out;
}
