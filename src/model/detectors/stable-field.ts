/** A field that rests while its object changes, and now moved; and, apart, a field added or removed that never comes or goes. */
import { fieldName } from '../../domain/field-path.ts';
import { type Detector, type Evidence, type Group, HOUR_MS, sameInGroup } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { fieldClaim, NO_OTHERS, type Others } from '../fleet.ts';
import type { PathHabits } from '../habits/path-habits.ts';
import { Repertoire, type RepertoireState } from '../habits/repertoire.ts';
import { many, quote, quoteBoth } from '../words.ts';

const EDITS_MIN = 8;
/** How much of ln(objects' distinct fields in the group) is taken off: wide refactorings move fields that rest. */
const WIDE = 1 / 3;
/** How many times as often as one of a single field an edit by a person moves one that rested: measured as RESTING was, by its distinct fields less one. */
const BROAD = [1, 3, 4];
/**
 * A field that rests is moved by people far sooner than its own counts say, as fields differ more than those can tell: one that never moved in 1,000 edits of
 * its kind moves in one of 300, not in one of a million. The share of a person's edits that move it was measured as a product of powers of what is known of
 * the field, logistic regressions on clean streams of six clusters and of two others; see docs/benchmarks-history.md.
 */
const RESTING = { scale: 0.6, own: 1 / 3, kin: 1 / 4, far: 1 / 4, actor: 1 / 10 };
/**
 * Who moved a field of the kind, mostly on another object, moves it once more soon after: an edit by the same person moved one that rested in .28 to .63 of edits
 * within ten minutes, .15 to .36 within an hour, .03 to .1 within six, .02 to .09 within a day, .01 to .04 within three (clean streams of five clusters and two others).
 */
const AGAIN = { most: 0.3, afterHour: 0.2, power: 0.75 };
const LABEL = /^\/metadata\/labels\//;
const LABEL_SHARE = 0.5;

export class StableField implements Detector<RepertoireState> {
  readonly name = 'stable-field';
  readonly #habits: PathHabits;
  readonly #repertoire = new Repertoire();

  constructor(habits: PathHabits) {
    this.#habits = habits;
  }

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    if (event.type !== 'MODIFIED') return undefined;
    let best = Number.NEGATIVE_INFINITY;
    let stillest: Field | undefined;
    for (const field of event.fields) {
      if (field.op !== 'set') continue;
      const surprise = -Math.log(this.#usual(event, field)) - Math.log(sameInGroup(group, field));
      if (surprise > best) {
        best = surprise;
        stillest = field;
      }
    }
    if (stillest === undefined) return undefined;
    const field = stillest;
    const broad = BROAD[Math.min(event.breadth, BROAD.length) - 1] ?? 1;
    const surprise = best - Math.log(broad) - WIDE * Math.log(Math.max(1, group.same.size));
    return surprise > 0 ? { surprise, explain: () => this.#explain(event, field) } : undefined;
  }

  /** Probability that an edit of this object by this actor replaces the field. */
  #usual(event: ChangeEvent, field: Field): number {
    const { name } = event.actor;
    const moving = this.#habits.moving(event, field);
    if (event.machine) return Math.max(moving, this.#repertoire.moving(name, field));
    const { own, kin, far } = this.#habits.shares(event, field);
    const { scale, ...powers } = RESTING;
    const resting =
      scale * own ** powers.own * kin ** powers.kin * far ** powers.far * this.#repertoire.share(name, field) ** powers.actor;
    return Math.max(moving, resting, this.#again(event, field));
  }

  #again({ actor, atMs }: ChangeEvent, field: Field): number {
    const lastMs = this.#repertoire.lastMs(actor.name, field);
    // Either way: a clock may have been ahead then.
    return lastMs === undefined ? 0 : Math.min(AGAIN.most, AGAIN.afterHour * (HOUR_MS / Math.abs(atMs - lastMs)) ** AGAIN.power);
  }

  #explain(event: ChangeEvent, field: Field) {
    const own = this.#habits.objectEdits(event);
    const moved = this.#habits.objectMoved(event, field.path);
    const byObject = own >= EDITS_MIN;
    const kindHeld = this.#habits.kindHeld(event.kind, field.generic);
    const samples = byObject ? own : kindHeld;
    const count = byObject ? moved : this.#habits.kindMoved(event.kind, field);
    const whose = byObject ? `this ${event.ref.kind}` : `${event.ref.kind} objects`;
    const habit =
      samples === 0
        ? `no edit of ${whose} with this field had been learnt`
        : count === 0
          ? `it had never changed in ${many(samples, 'edit')} of ${whose}`
          : `it had changed in only ${count} of ${many(samples, 'edit')} of ${whose}`;
    return {
      sentence: `${fieldName(field.path)} went from ${quoteBoth(field.old, field.next).join(' to ')}; ${habit}.`,
      path: field.path,
      observed: field.next,
      usual: field.old,
      samples,
      scope: byObject ? 'object' : 'kind',
      counterfactual: 'an edit that leaves this field alone',
    };
  }

  /** The counts of fields belong to the shared PathHabits, which the ensemble teaches once, after this. */
  learn(event: ChangeEvent): void {
    this.#repertoire.learn(event);
  }

  mature(event: ChangeEvent): boolean {
    return this.#habits.objectEdits(event) >= EDITS_MIN || this.#habits.kindEdits(event.kind) >= 3 * EDITS_MIN;
  }

  samples(): number {
    return this.#habits.edits();
  }

  save(): RepertoireState {
    return this.#repertoire.save();
  }

  load(state: RepertoireState): void {
    this.#repertoire.load(state);
  }
}

export class Structure implements Detector<null> {
  readonly name = 'structure';
  readonly #habits: PathHabits;
  readonly #others: Others;

  constructor(habits: PathHabits, others = NO_OTHERS) {
    this.#habits = habits;
    this.#others = others;
  }

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    if (event.type !== 'MODIFIED') return undefined;
    let best = Number.NEGATIVE_INFINITY;
    let oddest: Field | undefined;
    let generics: Set<string> | undefined;
    for (const field of event.fields) {
      if (field.op === 'set') continue;
      generics ??= new Set();
      generics.add(field.generic);
      const rarity =
        this.#amongOthers(-Math.log(this.#habits.growing(event.kind, field)), event, field) - Math.log(sameInGroup(group, field));
      // People label things as they please.
      const surprise = LABEL.test(field.generic) ? LABEL_SHARE * rarity : rarity;
      if (surprise > best) {
        best = surprise;
        oddest = field;
      }
    }
    if (oddest === undefined || generics === undefined) return undefined;
    const field = oddest;
    const surprise = best - Math.log(generics.size);
    const verb = field.op === 'add' ? 'added' : 'removed';
    const samples = this.#habits.kindEdits(event.kind);
    return surprise <= 0
      ? undefined
      : {
          surprise,
          explain: () => ({
            sentence: `${fieldName(field.path)} was ${verb} (${quote(field.op === 'add' ? field.next : field.old)}), which edits of ${event.ref.kind} objects hardly ever do (${many(samples, 'edit')} seen)${this.#wordsOfOthers(event, field)}.`,
            path: field.path,
            observed: field.next,
            usual: field.old,
            samples,
            scope: 'kind',
          }),
        };
  }

  /** A field that no object of the kind had here may be usual elsewhere. */
  #amongOthers(rarity: number, event: ChangeEvent, field: Field): number {
    if (!this.#others.any() || field.op !== 'add' || rarity <= 0) return rarity;
    const claim = fieldClaim(event, field.generic);
    return this.#others.isNewHere(claim) ? this.#others.weigh(rarity, claim) : rarity;
  }

  #wordsOfOthers(event: ChangeEvent, field: Field): string {
    if (!this.#others.any() || field.op !== 'add') return '';
    const claim = fieldClaim(event, field.generic);
    return this.#others.isNewHere(claim) ? this.#others.words(claim) : '';
  }

  mature(event: ChangeEvent): boolean {
    return this.#habits.kindEdits(event.kind) >= 3 * EDITS_MIN;
  }

  samples(): number {
    return this.#habits.edits();
  }

  save(): null {
    return null;
  }

  load(): void {}
}
