/**
 * Episodes: what belongs to one story is one alert. A judgement joins an open episode
 *
 *   - of the same object (or controller, or missing habit), as long as its last member is at most an hour old;
 *   - of the same actor, within ten minutes of what that actor did last in it and within an hour of its opening.
 *
 * A slow drift takes its next step tomorrow or after the weekend: its episode is open for three days, and nothing else joins it or draws it in.
 *
 * Only the actor who opened an episode draws more into it: a bot that puts an object back after someone's edit joins that episode by the
 * object, and the bot's other doings do not follow. The hour from the opening keeps a tireless actor from chaining for ever.
 *
 * What a user's rule asks for joins only episodes that a rule opened, so that nothing learnt swallows it. What is learnt joins those by the
 * object, not by the actor.
 */
import type { Judgement, Severity } from '../domain/finding.ts';

export const OBJECT_WINDOW_MS = 3_600_000;
export const ACTOR_WINDOW_MS = 600_000;
const ACTOR_SPAN_MS = 3_600_000;
const SLOW_WINDOW_MS = 3 * 24 * 3_600_000;

/** The detector whose stories go on for days. */
const SLOW = 'drift';

/** Bounds of what is kept and saved; beyond them the episode least recently touched closes early, and further objects open their own. */
const OPEN_MAX = 2_000;
const KEYS_MAX = 256;

export interface Episode {
  id: string;
  openedMs: number;
  lastMs: number;
  /** Objects, controllers and habits concerned. */
  keys: string[];
  /** The opener, unless unknown or since opening another episode. */
  actor?: string;
  actorMs: number;
  /** Opened by a user's rule. */
  rule?: true;
  /** Of one number that drifts. */
  slow?: true;
  /** What was last sent for it. */
  paged?: { score: number; severity: Severity };
  /** It asked for a page, granted or not. */
  asked?: boolean;
  /** Its page was folded into this storm's. */
  storm?: string;
}

/** What is told apart: asked for by a rule, a drift, the rest. */
interface Sort {
  rule?: boolean;
  slow?: boolean;
}

/** The open episodes of one cluster, least recently touched first. */
export class EpisodeBook {
  readonly #open = new Map<string, Episode>();
  readonly #byKey = new Map<string, string>();
  readonly #byActor = new Map<string, string>();

  constructor(saved: readonly Episode[] = []) {
    for (const episode of saved) {
      this.#open.set(episode.id, { ...episode, keys: [...episode.keys] });
      for (const key of episode.keys) this.#byKey.set(key, episode.id);
      if (episode.actor !== undefined) this.#byActor.set(actorKey(episode.actor, episode), episode.id);
    }
  }

  /** The episode the judgement belongs to, with the judgement counted as its last member; `id` names it if it is new. */
  join(judgement: Judgement, nowMs: number, id: string): Episode {
    this.#close(nowMs);
    const key = subjectKey(judgement);
    const actor = judgement.actor.name === 'unknown' ? undefined : judgement.actor.name;
    const rule = judgement.detector === 'user-rule';
    const open = this.#ofKey(key);
    const ofObject = rule && open?.rule !== true ? undefined : open;
    const sort = { rule, slow: judgement.detector === SLOW };
    const episode = ofObject ?? this.#ofActor(actor, sort, nowMs) ?? this.#begin({ id, actor, nowMs }, sort);
    episode.lastMs = nowMs;
    if (actor !== undefined && episode.actor === actor) episode.actorMs = nowMs;
    this.#own(episode, key);
    this.#open.delete(episode.id);
    this.#open.set(episode.id, episode);
    return episode;
  }

  /** After the clock was set back: no episode lies in the future. */
  rebase(nowMs: number): void {
    for (const episode of this.#open.values()) {
      episode.openedMs = Math.min(episode.openedMs, nowMs);
      episode.lastMs = Math.min(episode.lastMs, nowMs);
      episode.actorMs = Math.min(episode.actorMs, nowMs);
    }
  }

  save(): Episode[] {
    return [...this.#open.values()];
  }

  /** A key leads to one episode: a rule's takes it over from that of something learnt. */
  #own(episode: Episode, key: string): void {
    const before = this.#ofKey(key);
    if (before === episode || episode.keys.length >= KEYS_MAX) return;
    if (before !== undefined) before.keys.splice(before.keys.indexOf(key), 1);
    episode.keys.push(key);
    this.#byKey.set(key, episode.id);
  }

  #ofKey(key: string): Episode | undefined {
    const id = this.#byKey.get(key);
    return id === undefined ? undefined : this.#open.get(id);
  }

  #ofActor(actor: string | undefined, sort: Sort, nowMs: number): Episode | undefined {
    const id = actor === undefined ? undefined : this.#byActor.get(actorKey(actor, sort));
    const episode = id === undefined ? undefined : this.#open.get(id);
    if (episode === undefined) return undefined;
    return nowMs - episode.actorMs <= ACTOR_WINDOW_MS && nowMs - episode.openedMs <= ACTOR_SPAN_MS ? episode : undefined;
  }

  #begin({ id, actor, nowMs }: { id: string; actor: string | undefined; nowMs: number }, { rule, slow }: Sort): Episode {
    const episode: Episode = { id, openedMs: nowMs, lastMs: nowMs, keys: [], actorMs: nowMs };
    if (rule === true) episode.rule = true;
    if (slow === true) episode.slow = true;
    if (actor !== undefined) {
      const previous = this.#open.get(this.#byActor.get(actorKey(actor, episode)) ?? '');
      if (previous !== undefined) delete previous.actor;
      episode.actor = actor;
      this.#byActor.set(actorKey(actor, episode), id);
    }
    this.#open.set(id, episode);
    if (this.#open.size > OPEN_MAX) this.#forget(this.#open.values().next().value as Episode);
    return episode;
  }

  #close(nowMs: number): void {
    for (const episode of this.#open.values()) {
      if (nowMs - episode.lastMs <= OBJECT_WINDOW_MS) return;
      if (episode.slow === true && nowMs - episode.lastMs <= SLOW_WINDOW_MS) continue;
      this.#forget(episode);
    }
  }

  #forget(episode: Episode): void {
    this.#open.delete(episode.id);
    for (const key of episode.keys) this.#byKey.delete(key);
    if (episode.actor !== undefined) this.#byActor.delete(actorKey(episode.actor, episode));
  }
}

/** An actor has one episode of what rules ask for and one of what drifts, which is open for so long, beside one of the rest. */
function actorKey(actor: string, { rule, slow }: Sort): string {
  if (slow === true) return `slow ${actor}`;
  return rule === true ? `rule ${actor}` : actor;
}

/** What makes two judgements be about the same thing within a cluster. */
function subjectKey({ subject, detector, reasons }: Judgement): string {
  const { group = '', kind, namespace = '', name = '' } = subject.ref;
  if (subject.type === 'series') return ['controller', subject.controller].join('\u0000');
  if (subject.type === 'silence' && name === '') {
    return ['silence', detector, group, kind, namespace, subject.actor ?? ''].join('\u0000');
  }
  if (detector === SLOW) return [SLOW, group, kind, namespace, name, reasons[0]?.path ?? ''].join('\u0000');
  return ['object', group, kind, namespace, name].join('\u0000');
}
