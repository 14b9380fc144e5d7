/** The calibration pools of one cluster, by detector and sort of visit, and what a visit leaves in them. */

import { insertByTime } from '../by-time.ts';
import { COMMONPLACE, DAY_MS, type Group, seenMs } from '../detector.ts';
import { touch } from '../habits/counts.ts';
import type { Visit } from '../visits.ts';
import { learnPool, makePool, type Pool, tailOfPool, tailOfScores } from './calibrate.ts';
import { type CallRecord, COUNTS, heldTo, isCounted, keepCall, makeCallRecord, recordAt, spokenShare } from './call-record.ts';
import type { Channel, Sort, Top } from './top.ts';

/** From this score a visit's surprises wait before the pools learn them: the incidents of one week must not make each other look usual. */
const WITHHELD_SCORE = 2.5;
const WITHHELD_MS = 7 * DAY_MS;
const WITHHELD_MAX = 2_000;

/** The pool of combined scores. */
const SCORES = 'all:*';
/** How long what an asker does is one episode, of which only the largest surprise counts; an hour for detectors not named. */
const EPISODE_MS: { [detector: string]: number } = {
  drift: 14 * DAY_MS,
  pace: DAY_MS,
  burst: DAY_MS,
  'hour-of-week': DAY_MS / 2,
  'mass-delete': DAY_MS / 2,
};

/**
 * Detectors whose surprise is the exponent of a probability, with what to divide it by: changes come in spells, so that a count has
 * several times the spread of chance.
 */
const SPREAD: { [detector: string]: number } = { drift: 1.4, 'mass-delete': 1, burst: 4, pace: 4, 'actor-affinity': 1 };
/** Detectors that say nothing short of this surprise, so that how often they speak tells how often chance brings as much. */
const SPEAKS_FROM: { [detector: string]: number } = { 'actor-affinity': COMMONPLACE };
/** In what share of visits a detector is taken to speak before any was seen. */
const CHANCE_SHARE = 0.1;
/** Standard deviations, of which two or three are common however narrow the past was. */
const DEVIATIONS: { [detector: string]: number } = { leap: 2 };
/** The surprise is -ln of a share of the object's own or its kind's past, which has a say as long as the pool is short and may only make the change less odd. */
const SHARES = new Set(['company', 'sequence', 'stable-field', 'new-value']);
/**
 * The surprise is -ln of the share of one field's moves, which most visits have none of: to be ranked among all visits would call a third of its moves
 * rare. What came in more than a fifth of them is held to the square of that share, as if it had to come twice in a row; the hold fades soon below, where
 * few moves say no more than they can.
 */
const OF_MOVES = new Set(['co-change']);
const OFTEN = Math.log(5);
const FADING = 6;
/** Entries at which a pool's past and the exponent have an equal say. */
const TRUSTED = 40;

/** A surprise on its way to a pool. */
interface Withheld {
  atMs: number;
  key: string;
  surprise: number;
  asker: string;
}

/** Visits by people are heard as if they were this share of all where they are fewer, but no more than so many times. */
const PEOPLE_SHARE = 1 / 3;
const PEOPLE_MAX = 10;
/** Visits that are taken for granted, so many of each sort that their shares are those. */
const SHARE_TRUST = 60;

/** A call of the same asker within this is the same episode. */
const CALLED_MS = DAY_MS;
const CALLED_MAX = 10_000;

export interface SavedCalibration {
  pools: Map<string, Pool>;
  records: Map<string, CallRecord>;
  called: Map<string, number[]>;
  withheld: Withheld[];
  visits: { [sort in Sort]: number };
}

/** What a detector said of a visit: see `keepCall`. */
interface Call {
  ranked: number;
  said: number;
  asker: string;
}

function isCall(top: Top): top is Top & Call {
  return top.ranked !== undefined && top.said !== undefined;
}

/** The channels of one detector, by population; for `tail`. */
export interface Asked {
  readonly detector: string;
  channels: (Channel | undefined)[];
}

/** Each sort of visits, then the new objects among them. */
const POPULATIONS = ['m', 'h', '*', 'm+', 'h+', '*+'] as const;
const SORTS = POPULATIONS.length / 2;

export class Calibration {
  /** By key, and by detector and sort: a key is put together and taken apart once, as this is asked several times for each change. */
  #channels = new Map<string, Channel>();
  #asked = new Map<string, Asked>();
  #scores: Channel | undefined;
  #pools = new Map<string, Pool>();
  /** By detector, sort and asker, see `#heardOf`. */
  #called = new Map<string, number[]>();
  #records = new Map<string, CallRecord>();
  /** In the order of their times, nearly: visits close in that order. */
  #withheld: Withheld[] = [];
  /** Visits so far, whatever detectors had to say. */
  #visits: { [sort in Sort]: number } = { m: 0, h: 0, '*': 0 };

  /** Visits so far, by anybody. */
  get visits(): number {
    return this.#visits['*'];
  }

  /**
   * How many times what is said of a person's visit weighs. People and machines are each ranked among their own, so alarms come from either as their
   * visits do: where machines make nearly all of them, next to none would be left for what people do. There people weigh as if they made PEOPLE_SHARE.
   */
  weightOfPeople(): number {
    const share = (this.#visits.h + SHARE_TRUST * PEOPLE_SHARE) / (this.visits + SHARE_TRUST);
    return Math.min(PEOPLE_MAX, Math.max(1, PEOPLE_SHARE / share));
  }

  /**
   * Tail probability among visits of this sort. The largest surprise of the visit is remembered, for the pool to learn when the visit
   * closes.
   */
  tail(
    asked: Asked,
    sort: Sort,
    surprise: number,
    { asker, group, born = false }: { asker: string; group: Group; born?: boolean },
  ): number {
    const channel = this.#channelOf(asked, sort, born);
    channel.record ??= this.#records.get(channel.name);
    // Who seldom speaks has been silent, and asked, for long since its last word and before its first.
    const record = channel.speaksFrom === undefined ? channel.record : recordAt(channel.record, this.#visitsOf(sort));
    const p = this.#tailIn(channel, surprise, asker, group.lastMs);
    const chance = chanceOf(channel, record, surprise);
    const ranked = Math.max(chance, withNominal(p, channel, surprise, channel.pool.n));
    // What chance brings often is not odd, however seldom it was called so.
    const said = Math.max(chance, heldTo(record, ranked));
    const at = placeToTop(group.tops, channel, surprise);
    if (at >= 0) group.tops[at] = { surprise, asker, ranked, said, key: channel.key, channel };
    return said;
  }

  #keepRecord(channel: Channel, { ranked, said, asker }: Call, { actor, lastMs: atMs }: Visit): void {
    const { name, sort } = channel;
    const visits = this.#visitsOf(sort);
    let record = channel.record ?? this.#records.get(name);
    if (record === undefined) {
      record = channel.speaksFrom === undefined ? makeCallRecord(visits - 1) : recordAt(undefined, visits - 1);
      this.#records.set(name, record);
    }
    channel.record = record;
    let isNew = never;
    // Most of what is said is none: for that nobody is looked up.
    if (isCounted(ranked, said)) {
      const heard = [this.#heardOf(channel, asker)];
      if (asker !== actor) heard.push(this.#heardOf(channel, actor));
      isNew = (count) => isNewCall(heard, count, atMs);
    }
    keepCall(record, { visits, ranked, said, isNew });
  }

  /** When a detector's calls of this asker were last heard, for each of COUNTS; one of those not heard lately gives way. */
  #heardOf({ name, heard }: Channel, asker: string): number[] {
    const isFixed = this.#called.size <= CALLED_MAX / 2;
    const known = isFixed ? heard.get(asker) : undefined;
    if (known !== undefined) return known;
    const times = touch(this.#called, `${name}\u0000${asker}`, CALLED_MAX, neverHeard);
    if (isFixed) heard.set(asker, times);
    return times;
  }

  /** The same for what no visit brought; learnt at once. */
  tailNow(detector: string, surprise: number, { asker, atMs }: { asker: string; atMs: number }): { p: number; known: number } {
    const channel = this.#channelOf(this.askedOf(detector), '*', false);
    const known = channel.pool.n;
    const ranked = this.#tailIn(channel, surprise, asker, atMs);
    this.#learn(channel, surprise, asker, atMs);
    return { p: withNominal(ranked, channel, surprise, known), known };
  }

  #tailIn({ pool, sort, episodeMs }: Channel, surprise: number, asker: string, atMs: number): number {
    return tailOfPool(pool, surprise, { key: asker, atMs, visits: this.#visitsOf(sort), episodeMs });
  }

  /** Tail probability of a combined score; remembered like any other surprise. */
  tailOfScores(raw: number, remembered?: { asker: string; group: Group }): number {
    this.#scores ??= this.#channel(SCORES);
    const channel = this.#scores;
    if (remembered !== undefined) {
      const { asker, group } = remembered;
      const at = placeToTop(group.tops, channel, raw);
      if (at >= 0) group.tops[at] = { surprise: raw, asker, ranked: undefined, said: undefined, key: SCORES, channel };
    }
    return tailOfScores(channel.pool, raw, this.visits);
  }

  /** A visit is one sighting per pool: its largest. */
  learn(visit: Visit): void {
    this.#visits['*']++;
    this.#visits[visit.events[0]?.machine ? 'm' : 'h']++;
    const isWithheld = visit.scoreMax >= WITHHELD_SCORE;
    let twins: Set<string> | undefined;
    for (const top of visit.tops) {
      const { surprise, asker, key } = top;
      const channel = top.channel ?? this.#channel(key);
      if (isCall(top)) twins = this.#keepCall(channel, top, visit, twins);
      if (isWithheld)
        insertByTime(this.#withheld, { atMs: seenMs(visit) + WITHHELD_MS, key, surprise, asker }, ({ atMs }) => atMs);
      else this.#learn(channel, surprise, asker, visit.lastMs);
    }
    while (this.#withheld.length > WITHHELD_MAX) this.release();
  }

  /** Of new and of changed objects one detector has two pools, yet is heard as one: by its rarest call. Returns the twins of this visit that were heard. */
  #keepCall(channel: Channel, call: Call, visit: Visit, twins: Set<string> | undefined): Set<string> | undefined {
    const twin = channel.hasTwin ? visit.tops.find(({ key }) => key === channel.twin) : undefined;
    if (twin === undefined || !isCall(twin)) this.#keepRecord(channel, call, visit);
    else if (!twins?.has(channel.name)) {
      this.#keepRecord(channel, twin.said < call.said ? twin : call, visit);
      return (twins ?? new Set()).add(channel.name);
    }
    return twins;
  }

  #learn({ pool, sort, episodeMs }: Channel, surprise: number, asker: string, atMs: number): void {
    learnPool(pool, surprise, { key: asker, atMs, visits: this.#visitsOf(sort), episodeMs });
  }

  #visitsOf(sort: Sort): number {
    const visits = this.#visits;
    return sort === 'm' ? visits.m : sort === 'h' ? visits.h : visits['*'];
  }

  /** By which a detector goes in `tail`, for good. */
  askedOf(detector: string): Asked {
    let asked = this.#asked.get(detector);
    if (asked === undefined) {
      asked = { detector, channels: POPULATIONS.map(() => undefined) };
      this.#asked.set(detector, asked);
    }
    return asked;
  }

  #channelOf({ detector, channels }: Asked, sort: Sort, born: boolean): Channel {
    const population = (sort === 'm' ? 0 : sort === 'h' ? 1 : 2) + (born ? SORTS : 0);
    const known = channels[population];
    if (known !== undefined) return known;
    const channel = this.#channel(`${detector}:${POPULATIONS[population]}`);
    channels[population] = channel;
    return channel;
  }

  #channel(key: string): Channel {
    const known = this.#channels.get(key);
    if (known !== undefined) return known;
    const colon = key.indexOf(':');
    const isBorn = key.endsWith('+');
    const name = isBorn ? key.slice(0, -1) : key;
    const detector = key.slice(0, colon);
    const twin = isBorn ? name : `${name}+`;
    const channel: Channel = {
      key,
      name,
      twin,
      hasTwin: this.#pools.has(twin),
      sort: key[colon + 1] as Sort,
      episodeMs: EPISODE_MS[detector],
      pool: this.#pool(key),
      spread: SPREAD[detector],
      speaksFrom: SPEAKS_FROM[detector],
      deviations: DEVIATIONS[detector],
      isShare: SHARES.has(detector),
      isOfMoves: OF_MOVES.has(detector),
      record: this.#records.get(name),
      heard: new Map(),
    };
    this.#channels.set(key, channel);
    const other = this.#channels.get(twin);
    if (other !== undefined) other.hasTwin = true;
    return channel;
  }

  /** When the next withheld surprise is to be learnt; infinity when none waits. */
  nextMs(): number {
    return this.#withheld[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Learns the withheld surprise that has waited longest. */
  release(): void {
    const entry = this.#withheld.shift();
    if (entry !== undefined) this.#learn(this.#channel(entry.key), entry.surprise, entry.asker, entry.atMs);
  }

  #pool(key: string): Pool {
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = makePool();
      this.#pools.set(key, pool);
    }
    return pool;
  }

  /** What each detector's word was worth of late. */
  records(): Iterable<[string, CallRecord]> {
    return this.#records;
  }

  save(): SavedCalibration {
    return { pools: this.#pools, records: this.#records, called: this.#called, withheld: this.#withheld, visits: this.#visits };
  }

  load(saved: SavedCalibration): void {
    this.#channels.clear();
    for (const asked of this.#asked.values()) asked.channels = POPULATIONS.map(() => undefined);
    this.#scores = undefined;
    this.#pools = saved.pools;
    this.#records = saved.records;
    this.#called = saved.called;
    this.#withheld = saved.withheld;
    this.#visits = saved.visits;
  }
}

/**
 * A short past is trusted little: until it is long, the probability that the surprise itself stands for has a say. And what chance brings
 * often is not odd, however rare here.
 */
function withNominal(ranked: number, { spread, isShare }: Channel, surprise: number, known: number): number {
  if (spread === undefined && !isShare) return ranked;
  const trust = known / (known + TRUSTED);
  if (isShare) return Math.max(ranked, ranked ** trust * Math.exp(-surprise) ** (1 - trust));
  return Math.min(ranked, ranked ** trust * Math.exp(-surprise / (spread as number)) ** (1 - trust));
}

/**
 * At most how rare a surprise is that stands for a probability, or for standard deviations; 0 for others. Where it is known from where on a detector
 * speaks, the exponent counts from there, times the share of visits in which it does.
 */
function chanceOf(
  { deviations, spread, speaksFrom, isShare, isOfMoves }: Channel,
  record: CallRecord | undefined,
  surprise: number,
): number {
  if (speaksFrom !== undefined) return spokenShare(record, CHANCE_SHARE) * Math.exp(speaksFrom - surprise);
  if (deviations !== undefined) return spokenShare(record, CHANCE_SHARE) * Math.exp(-deviations * surprise);
  if (isOfMoves) return Math.exp(-2 * surprise - FADING * Math.max(0, surprise - OFTEN));
  return spread === undefined && !isShare ? 0 : CHANCE_SHARE * Math.exp(-surprise);
}

function never(_count: number): boolean {
  return false;
}

const NEVER_HEARD = Array.from({ length: COUNTS }, () => Number.NEGATIVE_INFINITY);

function neverHeard(): number[] {
  return NEVER_HEARD.slice();
}

/** Where it is to be remembered, as the visit's largest surprise of its channel so far; -1 where it is not that. One after the other, as there are a dozen. */
function placeToTop(tops: readonly Top[], channel: Channel, surprise: number): number {
  for (let at = 0; at < tops.length; at++) {
    const top = tops[at] as Top;
    if (top.channel !== channel && (top.channel !== undefined || top.key !== channel.key)) continue;
    return surprise > top.surprise ? at : -1;
  }
  return tops.length;
}

/** Whether none of these made such a call within the day; either way they have now. */
function isNewCall(heard: readonly number[][], count: number, atMs: number): boolean {
  let isNew = true;
  for (const lastMs of heard) {
    if (atMs - (lastMs[count] as number) < CALLED_MS) isNew = false;
    lastMs[count] = atMs;
  }
  return isNew;
}
