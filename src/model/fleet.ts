/**
 * What other clusters are used to. Something new in one cluster is less odd where most others have known it for days, and odder where none does
 * that could. A cluster is one voice however much happens in it, and has it only after three different days: neither a flood nor a roll-out of an
 * afternoon teaches the others anything. While there is one cluster nothing is kept and nothing weighed.
 *
 * It is noted as changes are observed and not when they are learnt, so that it depends on the record alone and not on how far each cluster's time was let pass.
 */
import { DAY_MS } from './detector.ts';
import type { ChangeEvent } from './features.ts';
import { dropOldest } from './habits/counts.ts';
import { hashOf } from './hash.ts';
import { originIn } from './origin.ts';

const DAYS_MIN = 3;
/** Of all clusters together, at about 60 bytes each; one cluster gets an eighth at most. */
const ENTRIES_MAX = 320_000;
const ENTRIES_PER_CLUSTER_MAX = 40_000;
/** What all others know keeps this share of its surprise. */
const KNOWN_SHARE = 0.4;

/** Something seen, and what a cluster has to know itself for its silence to mean anything. */
export interface Claim {
  seen: string;
  ground: string;
}

export function valueClaim({ kind }: Pick<ChangeEvent, 'kind'>, generic: string, token: string): Claim {
  return { seen: `v${kind}${generic} ${token}`, ground: `f${kind}${generic}` };
}

export function fieldClaim({ kind }: Pick<ChangeEvent, 'kind'>, generic: string): Claim {
  return { seen: `f${kind}${generic}`, ground: `k${kind}` };
}

export function actorClaim({ kind, actor }: Pick<ChangeEvent, 'kind' | 'actor'>): Claim {
  return { seen: `a${kind} ${actor.name}`, ground: `k${kind}` };
}

export function originClaim(origin: string): Claim {
  return { seen: `o ${origin}`, ground: 'o' };
}

/** The fleet as one cluster sees it. */
export interface Others {
  /** False while there is but one cluster: then nothing of this needs asking. */
  any(): boolean;
  /** A surprise about something this cluster has not seen, with what the others know of it. */
  weigh(surprise: number, claim: Claim): number;
  /** The same in words that go on a sentence; empty where the others have no say. */
  words(claim: Claim): string;
  /** Whether this cluster itself has brought it since there are others. */
  isNewHere(claim: Claim): boolean;
}

export const NO_OTHERS: Others = { any: () => false, weigh: (surprise) => surprise, words: () => '', isNewHere: () => false };

/** By hash of what is known: the newest day it came, times four, plus on how many days (up to three). Least recently seen first. */
type Known = Map<number, number>;

export type FleetState = Map<string, Known>;

export class Fleet {
  #clusters: FleetState = new Map();

  of(cluster: string): Others {
    return {
      any: () => this.#clusters.size > 1,
      weigh: (surprise, claim) => weighed(surprise, this.#ask(cluster, claim)),
      words: (claim) => wordsOf(this.#ask(cluster, claim)),
      isNewHere: ({ seen }) => this.#clusters.get(cluster)?.has(hashOf(seen)) !== true,
    };
  }

  /** From its first change on a cluster is one of the fleet. */
  join(cluster: string): void {
    if (!this.#clusters.has(cluster)) this.#clusters.set(cluster, new Map());
  }

  note(cluster: string, event: ChangeEvent): void {
    if (this.#clusters.size < 2 || event.type === 'DELETED') return;
    const known = this.#clusters.get(cluster);
    if (known === undefined) return;
    const day = Math.floor(event.atMs / DAY_MS);
    const cap = Math.min(ENTRIES_PER_CLUSTER_MAX, Math.floor(ENTRIES_MAX / this.#clusters.size));
    const { seen, ground } = actorClaim(event);
    note(known, ground, day, cap);
    if (event.actor.source !== 'none') note(known, seen, day, cap);
    for (const { op, generic, tokens } of event.fields) {
      if (op === 'remove') continue;
      note(known, fieldClaim(event, generic).seen, day, cap);
      const origin = originIn(tokens);
      if (origin !== undefined) for (const text of Object.values(originClaim(origin))) note(known, text, day, cap);
      for (const token of tokens) note(known, valueClaim(event, generic, token).seen, day, cap);
    }
  }

  size(): { clusters: number; entries: number } {
    let entries = 0;
    for (const known of this.#clusters.values()) entries += known.size;
    return { clusters: this.#clusters.size, entries };
  }

  save(): FleetState {
    return this.#clusters;
  }

  load(state: FleetState): void {
    this.#clusters = state;
  }

  #ask(cluster: string, { seen, ground }: Claim): Answer {
    const answer = { able: 0, knowing: 0 };
    if (this.#clusters.size < 2) return answer;
    const [seenHash, groundHash] = [hashOf(seen), hashOf(ground)];
    for (const [name, known] of this.#clusters) {
      if (name === cluster || daysOf(known.get(groundHash)) < DAYS_MIN) continue;
      answer.able++;
      if (daysOf(known.get(seenHash)) >= DAYS_MIN) answer.knowing++;
    }
    return answer;
  }
}

/** Of other clusters: how many could know it, and how many do. */
interface Answer {
  able: number;
  knowing: number;
}

/** What fewer than half of the others know is left as it is: it may be spreading. */
function weighed(surprise: number, { able, knowing }: Answer): number {
  if (able === 0) return surprise;
  // Half of -ln of the chance that the next cluster to bring it is one of able + 1 that never did.
  if (knowing === 0) return surprise + 0.5 * Math.log(able + 1);
  const share = knowing / able;
  return share < 0.5 ? surprise : surprise * (1 - (1 - KNOWN_SHARE) * share);
}

function wordsOf({ able, knowing }: Answer): string {
  if (able === 0) return '';
  const others = able === 1 ? 'the other cluster' : `${able} other clusters`;
  if (knowing === 0) return `; it is new to ${others} too`;
  return able === 1 ? `; ${others} knows it` : `; of ${others} ${knowing} ${knowing === 1 ? 'knows' : 'know'} it`;
}

function note(known: Known, text: string, day: number, cap: number): void {
  const key = hashOf(text);
  const before = known.get(key);
  // Most things come many times a day: then there is nothing to note.
  if (before !== undefined && day <= before >> 2) return;
  if (before !== undefined) known.delete(key);
  known.set(key, day * 4 + Math.min(DAYS_MIN, daysOf(before) + 1));
  while (known.size > cap) dropOldest(known);
}

function daysOf(entry: number | undefined): number {
  return entry === undefined ? 0 : entry & 3;
}
