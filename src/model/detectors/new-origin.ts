/**
 * Where things are fetched from or sent to: the registry of an image, the host of an address. A value that comes from somewhere else than its
 * predecessor, or a new object that brings somewhere its kind and its cluster never had anything from, is rare in itself, however new
 * the names and tags are that fields bring every day; so it is a population of its own. Hosts count by their last two labels.
 */
import { fieldName } from '../../domain/field-path.ts';
import { type Detector, type Evidence, type Explanation, type Group, sameInGroup } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { NO_OTHERS, type Others, originClaim } from '../fleet.ts';
import { countToken, makeTokenCounts, noveltyRate, type TokenCounts, touch } from '../habits/counts.ts';
import { OriginBook } from '../origin.ts';
import { many, quoteBoth } from '../words.ts';

const KINDS_MAX = 2_000;
const KIND_ORIGINS_MAX = 128;
const ORIGINS_MAX = 2_000;
const VALUES_MIN = 30;
const BREADTH_WEIGHT = 0.5;

interface State {
  kinds: Map<string, TokenCounts>;
  all: TokenCounts;
  /** Values with an origin that replaced one with an origin, and how many of these came from elsewhere. */
  replaced: number;
  moved: number;
}

export class NewOrigin implements Detector<State> {
  readonly name = 'new-origin';
  readonly #book = new OriginBook();
  #state: State = { kinds: new Map(), all: makeTokenCounts(), replaced: 0, moved: 0 };

  readonly #others: Others;

  constructor(others = NO_OTHERS) {
    this.#others = others;
  }

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    if (event.type === 'DELETED' || this.#state.all.n < VALUES_MIN) return undefined;
    let best = 0;
    let oddest: [Field, string] | undefined;
    for (const field of event.fields) {
      const origin = this.#newOrigin(field);
      if (origin === undefined) continue;
      const surprise = this.#surprise(event.kind, origin, field.op) - Math.log(sameInGroup(group, field));
      if (surprise > best) {
        best = surprise;
        oddest = [field, origin];
      }
    }
    if (oddest === undefined) return undefined;
    const [field, origin] = oddest;
    const surprise = event.type === 'ADDED' ? best - BREADTH_WEIGHT * Math.log(Math.max(1, event.breadth)) : best;
    return surprise > 0 ? { surprise, explain: () => this.#explain(event, field, origin) } : undefined;
  }

  /** By how seldom values move at all, and how seldom the kind, and the cluster, see an origin that they do not know. */
  #surprise(kind: string, origin: string, op: Field['op']): number {
    const { kinds, all, replaced, moved } = this.#state;
    const ofKind = kinds.get(kind);
    const move = op === 'set' ? -Math.log((moved + 0.5) / (replaced + 1)) : 0;
    if (ofKind?.seen.has(origin)) return move;
    const inKind = ofKind === undefined ? 0 : -Math.log(noveltyRate(ofKind));
    if (all.seen.has(origin)) return move + inKind;
    const inCluster = -Math.log(noveltyRate(all));
    if (!this.#others.any()) return move + inKind + inCluster;
    return move + this.#others.weigh(inKind + inCluster, originClaim(origin));
  }

  #explain(event: ChangeEvent, field: Field, origin: string): Explanation {
    const { kinds, all } = this.#state;
    const ofKind = kinds.get(event.kind);
    const inCluster = all.seen.get(origin);
    const [old, next] = quoteBoth(field.old, field.next);
    const was = field.op === 'set' ? ` (it was ${old})` : '';
    const known = ofKind?.seen.get(origin);
    const habit =
      known !== undefined
        ? `${many(known, 'value')} of ${event.ref.kind} objects came from there, but this field moved`
        : inCluster !== undefined
          ? `nothing of ${event.ref.kind} objects came from ${origin} before, as ${many(inCluster, 'value')} elsewhere in this cluster did`
          : `nothing in this cluster came from ${origin} before (${many(all.n, 'value')} with an origin seen)${this.#others.words(originClaim(origin))}`;
    return {
      sentence: `${fieldName(field.path)} is now ${next}${was}: ${habit}.`,
      path: field.path,
      observed: field.next,
      usual: field.op === 'set' ? field.old : undefined,
      samples: ofKind?.n ?? 0,
      scope: inCluster === undefined ? 'cluster' : 'kind',
      counterfactual: 'a value from where the others come from',
    };
  }

  learn(event: ChangeEvent): void {
    if (event.type === 'DELETED') return;
    const state = this.#state;
    for (const field of event.fields) {
      const origin = this.#originOf(field);
      if (origin === undefined) continue;
      countToken(touch(state.kinds, event.kind, KINDS_MAX, makeTokenCounts), origin, KIND_ORIGINS_MAX);
      countToken(state.all, origin, ORIGINS_MAX);
      if (field.op !== 'set') continue;
      state.replaced++;
      if (this.#book.in(field.was ?? []) !== origin) state.moved++;
    }
  }

  #originOf({ op, tokens }: Field): string | undefined {
    return op === 'remove' ? undefined : this.#book.in(tokens);
  }

  /** Where a value comes from, if its predecessor did not come from there. */
  #newOrigin(field: Field): string | undefined {
    const origin = this.#originOf(field);
    if (origin === undefined || field.op !== 'set') return origin;
    return this.#book.in(field.was ?? []) === origin ? undefined : origin;
  }

  mature(): boolean {
    return this.#state.all.n >= 4 * VALUES_MIN;
  }

  samples(): number {
    return this.#state.all.n;
  }

  save(): State {
    return this.#state;
  }

  load(state: State): void {
    this.#state = state;
  }
}
