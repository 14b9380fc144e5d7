/** The change as a diff: git's signs, the flagged lines marked, the usual value beside them. */
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { namedLists } from '../../domain/diff/named-lists.ts';
import type { JsonObject } from '../../domain/json.ts';
import { DiffTable } from './diff-table.ts';
import { html } from './html.ts';
import { type Live, useAnswer } from './live-data.ts';
import { ActorMark, Time } from './marks.ts';
import type { Change, Finding } from './types.ts';
import { type DiffLine, diffLines } from './yaml-diff.ts';

interface DiffProps {
  seq: number;
  /** The change the finding is about, rather than another one of the same object. */
  own: boolean;
  finding: Finding;
  live: Live;
  onBack: () => void;
}

export function DiffView({ seq, own, finding, live, onBack }: DiffProps): VNode {
  const { answer: change, error } = useAnswer<Change>(`/v1/changes/${seq}?states=both`, live.version === '' ? '' : 'recorded');
  const lines = useMemo(() => (change === undefined ? undefined : linesOf(change)), [change]);
  if (error !== undefined) return html`<p class="note attention">${error.message}</p>`;
  const reasons = own ? finding.reasons.filter((reason) => reason.path !== undefined && reason.path !== '') : [];
  const head =
    change !== undefined &&
    html`${own ? '' : html`<button class="link" onClick=${onBack}>back to the flagged change</button> `}
      <${ChangeWords} change=${change} nowMs=${live.nowMs} />`;
  return html`<${DiffTable} lines=${lines} reasons=${reasons} head=${head} none=${NOTHING_SEEN} />`;
}

/** `changed by alice 5 min ago`. */
export function ChangeWords({ change, nowMs }: { change: Pick<Change, 'type' | 'actor' | 'time'>; nowMs: number }): VNode {
  return html`${VERBS[change.type]} by <${ActorMark} actor=${change.actor} /> <${Time} time=${change.time} nowMs=${nowMs} />`;
}

const VERBS = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'deleted' };

/** Of a change that moved bookkeeping alone. */
export const NOTHING_SEEN = 'Nothing a person would see changed: only bookkeeping of the API server.';

/** The lines of a change with both its states. */
export function linesOf(change: Change): DiffLine[] {
  const [before, after] = [change.before as JsonObject | undefined, change.after as JsonObject | undefined];
  // A deletion's `after` is the last state, which is what went.
  const lists = namedLists(change.diff.map(({ path }) => path));
  return change.type === 'DELETED' ? diffLines(after, undefined, lists) : diffLines(before, after, lists);
}
