/**
 * A person edits by hand what a GitOps tool keeps: the tool will put it back, or somebody meant to get past review. How odd that is, the
 * cluster says: where kept objects are edited by hand all day it is nothing. Whose field it was does not matter: the tool owns the object.
 */
import { isWrittenBy } from '../../domain/who/gitops-origin.ts';
import type { Detector, Evidence, Explanation } from '../detector.ts';
import type { ChangeEvent } from '../features.ts';
import { touch } from '../habits/counts.ts';
import { many } from '../words.ts';

const KINDS_MAX = 2_000;
const PRIOR_EDITS = 20;
const EDITS_MIN = 10;
const MATURE_EDITS = 30;

/** Edits of objects that a GitOps tool keeps, and those among them by hand. */
interface Tally {
  edits: number;
  byHand: number;
}

interface State {
  kinds: Map<string, Tally>;
  all: Tally;
}

const TOOLS = { flux: 'Flux', argocd: 'Argo CD', helm: 'Helm' };

export class HandEdit implements Detector<State> {
  readonly name = 'hand-edit';
  #state: State = { kinds: new Map(), all: { edits: 0, byHand: 0 } };

  score(event: ChangeEvent): Evidence | undefined {
    if (!isByHand(event)) return undefined;
    const { all, kinds } = this.#state;
    if (all.edits < EDITS_MIN) return undefined;
    const own = kinds.get(event.kind) ?? { edits: 0, byHand: 0 };
    const usual = (all.byHand + 0.5) / (all.edits + 1);
    const surprise = -Math.log((own.byHand + usual * PRIOR_EDITS) / (own.edits + PRIOR_EDITS));
    return surprise > 0 ? { surprise, explain: () => this.#explain(event) } : undefined;
  }

  #explain(event: ChangeEvent): Explanation {
    const { kinds, all } = this.#state;
    const ofKind = kinds.get(event.kind);
    const known = ofKind !== undefined && ofKind.edits >= EDITS_MIN;
    const { edits, byHand } = known ? ofKind : all;
    const tool = TOOLS[event.keeper!];
    const past = byHand === 0 ? 'none came by hand' : `${byHand} came by hand`;
    return {
      sentence: `${event.actor.name} edited by hand what ${tool} keeps; of ${many(edits, 'past edit')} of such ${known ? `${event.ref.kind} ` : ''}objects ${past}. ${tool} may put it back.`,
      observed: 'by hand',
      usual: `by ${tool} or other machines`,
      samples: edits,
      scope: known ? 'kind' : 'cluster',
      counterfactual: `the same change through ${tool}`,
    };
  }

  learn(event: ChangeEvent): void {
    if (event.type !== 'MODIFIED' || event.keeper === undefined) return;
    const byHand = isByHand(event) ? 1 : 0;
    for (const tally of [touch(this.#state.kinds, event.kind, KINDS_MAX, () => ({ edits: 0, byHand: 0 })), this.#state.all]) {
      tally.edits++;
      tally.byHand += byHand;
    }
  }

  mature(): boolean {
    return this.#state.all.edits >= MATURE_EDITS;
  }

  samples(): number {
    return this.#state.all.edits;
  }

  save(): State {
    return this.#state;
  }

  load(state: State): void {
    this.#state = state;
  }
}

function isByHand({ type, keeper, machine, actor }: ChangeEvent): boolean {
  return type === 'MODIFIED' && keeper !== undefined && !machine && actor.name !== 'unknown' && !isWrittenBy(keeper, actor);
}
