/** One change of an object, or all that differs between two of its revisions. */
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { applyChanges } from '../../domain/diff/apply-changes.ts';
import { namedLists } from '../../domain/diff/named-lists.ts';
import { fieldName } from '../../domain/field-path.ts';
import type { JsonObject } from '../../domain/json.ts';
import { DiffTable } from './diff-table.ts';
import { ChangeWords, linesOf, NOTHING_SEEN } from './diff-view.ts';
import { aroundPlace } from './finding-places.ts';
import { html } from './html.ts';
import { useAnswer } from './live-data.ts';
import { hashOf, type ObjectName, objectSegments } from './route-hash.ts';
import type { Change, ChangeSummary, Finding, ObjectDiff, ObjectState, StructuralChange } from './types.ts';
import { confidenceWords, gitopsWords, shortText, visible, wholeNumber } from './words.ts';
import { diffLines } from './yaml-diff.ts';

interface OneProps {
  change: ChangeSummary;
  findings: Finding[];
  /** Moves when it becomes known of recorded changes who made them. */
  whoVersion: string;
  nowMs: number;
}

/** What one change did, and how sure it is who made it. */
export function OneChange({ change: { seq, checkpoint }, findings, whoVersion, nowMs }: OneProps): VNode {
  const { answer: change, error } = useAnswer<Change>(`/v1/changes/${seq}?states=both`, whoVersion);
  const lines = useMemo(() => (change === undefined ? undefined : linesOf(change)), [change]);
  const reasons = findings.flatMap((finding) => finding.reasons).filter(({ path }) => path !== undefined && path !== '');
  if (change === undefined && error !== undefined) return html`<p class="note attention" role="alert">${error.message}</p>`;
  const head = change !== undefined && html`<b>${seq}</b> <${ChangeWords} change=${change} nowMs=${nowMs} />`;
  return html`<div class="revision">
    <${DiffTable} lines=${lines} reasons=${reasons} head=${head} none=${NOTHING_SEEN} />
    ${checkpoint === true && html`<p class="note">It stands for the changes of its day before it too: those are no longer kept one by one.</p>`}
    ${findings.map((finding) => html`<p class="found-here"><a href=${hashOf({ view: 'finding', id: finding.id })}>${visible(finding.reasons[0]?.sentence ?? finding.summary)}</a></p>`)}
    ${change !== undefined && html`<${Who} change=${change} />`}
    ${change !== undefined && html`<p class="note"><a href=${hashOf(aroundPlace(change.ref.cluster, change.ref.namespace, change.time))}>What else changed around then</a></p>`}
  </div>`;
}

function Who({ change }: { change: Change }): VNode {
  const { word, why } = confidenceWords(change.actor);
  const others = change.candidates.filter(({ name }) => name !== change.actor.name);
  return html`<dl class="facts who-facts">
    <div><dt>Who</dt><dd>${visible(change.actor.name)} <small>${word}: ${why}</small></dd></div>
    ${others.length > 0 && html`<div><dt>Or</dt><dd>${others.map(({ name }) => visible(name)).join(', ')}</dd></div>`}
    ${change.gitops !== undefined && html`<div><dt>Kept by</dt><dd>${gitopsWords(change.gitops)}</dd></div>`}
    ${change.evidence.map(({ source, user }) => html`<div><dt>${source}</dt><dd>${visible(user.name)}${user.userAgent !== undefined && html` <small>${visible(user.userAgent)}</small>`}${user.sourceIPs !== undefined && html` <small>from ${visible(user.sourceIPs.join(', '))}</small>`}</dd></div>`)}
  </dl>`;
}

interface TwoProps {
  object: ObjectName;
  /** Change numbers or times, the older one first. */
  from: string;
  to: string;
  /** Both by name: `change 812, 5 min ago`. */
  words: [string, string];
  /** How many changes lie between, where that is known. */
  between?: number | undefined;
  /** How to end it. */
  out?: VNode;
}

export function TwoRevisions({ object, from, to, words, between, out }: TwoProps): VNode {
  const path = `/v1/objects/${objectSegments(object)}`;
  const { answer: diff, error } = useAnswer<ObjectDiff>(`${path}/diff?${new URLSearchParams({ from, to })}`, 'recorded');
  const { answer: before, error: lost } = useAnswer<ObjectState>(
    diff === undefined ? undefined : `${path}/state?seq=${diff.from}`,
    'recorded',
  );
  const lines = useMemo(() => {
    if (diff === undefined || before === undefined || before.seq !== diff.from) return undefined;
    const state = before.state as JsonObject;
    const after = applyChanges(state, diff.changes as Parameters<typeof applyChanges>[1]) as JsonObject;
    return diffLines(state, after, namedLists(diff.diff.map(({ path: field }) => field)));
  }, [diff, before]);
  const failure = error ?? lost;
  if (failure !== undefined) return html`<p class="note attention" role="alert">${failure.message}</p>`;
  const head = html`<span>from <b>${words[0]}</b></span> <span>to <b>${words[1]}</b></span>${between !== undefined && html` <small>${wholeNumber(between)} change${between === 1 ? '' : 's'}</small>`}${out !== undefined && html` ${out}`}`;
  return html`<div class="revision">
    <${DiffTable} lines=${lines} head=${head} none="Both are the same, but for what is noise." />
    ${diff !== undefined && html`<${InShort} diff=${diff} />`}
  </div>`;
}

const LISTED = 12;

/** What a diff of lines does not tell: what moved, what changed within a document in a text, how much was noise. */
function InShort({ diff: { changes, noise } }: { diff: ObjectDiff }): VNode {
  const line = (change: StructuralChange) => html`<li class=${change.op}>
    <code>${visible(fieldName(change.path))}</code> ${whatOf(change)}
    ${change.document !== undefined && html`<ul>${change.document.changes.map((inner) => html`<li class=${inner.op}><code>${visible(fieldName(inner.path))}</code> ${whatOf(inner)}</li>`)}</ul>`}
  </li>`;
  const [first, rest] = [changes.slice(0, LISTED), changes.slice(LISTED)];
  return html`<div class="in-short">
    ${changes.length > 0 && html`<h3>In short <small>${wholeNumber(changes.length)} difference${changes.length === 1 ? '' : 's'}${noise > 0 && `, ${wholeNumber(noise)} more left out as noise`}</small></h3>`}
    ${changes.length === 0 && noise > 0 && html`<p class="note">${wholeNumber(noise)} difference${noise === 1 ? '' : 's'} left out as noise: bookkeeping, renewed times of a last look.</p>`}
    <ul>${first.map(line)}</ul>
    ${rest.length > 0 && html`<details><summary>${wholeNumber(rest.length)} more</summary><ul>${rest.map(line)}</ul></details>`}
  </div>`;
}

function whatOf({ op, old, new: now, document }: Omit<StructuralChange, 'document'> & { document?: unknown }): VNode | string {
  if (op === 'move') return 'moved to another place in its list';
  if (document !== undefined) return 'a document in a text:';
  if (op === 'add') return html`came: <code class="plus">${shortText(now)}</code>`;
  if (op === 'remove') return html`went: <code class="minus">${shortText(old)}</code>`;
  return html`<code class="minus">${shortText(old)}</code> → <code class="plus">${shortText(now)}</code>`;
}
