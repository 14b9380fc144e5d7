/** The change as a diff: git's signs, the flagged lines marked, the usual value beside them. */
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { JsonObject } from '../../domain/json.ts';
import { html } from './html.ts';
import { useKeys } from './keys.ts';
import { type Live, useAnswer } from './live-data.ts';
import { ActorMark, Time } from './marks.ts';
import type { Change, Finding, Reason } from './types.ts';
import { valueText, visible } from './words.ts';
import { type DiffLine, diffLines, type Fold, foldLines, isFlagged } from './yaml-diff.ts';

const CONTEXT = 3;
/** More lines than this wait for a click: a new object may have thousands. */
const LINES_SHOWN = 400;

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
  const [whole, setWhole] = useState(false);
  const [all, setAll] = useState(false);
  useEffect(() => setAll(false), [seq]);
  useKeys({ f: () => setWhole(!whole) });
  const lines = useMemo(() => (change === undefined ? [] : linesOf(change)), [change]);
  if (error !== undefined) return html`<p class="note attention">${error.message}</p>`;
  if (change === undefined) return html`<div class="diff loading" />`;

  const shown = whole ? lines : foldLines(lines, CONTEXT);
  const reasons = own ? finding.reasons.filter((reason) => reason.path !== undefined && reason.path !== '') : [];
  const count = (sign: string) => lines.filter((line) => line.sign === sign).length;
  const verb = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'deleted' }[change.type];
  return html`<div class="diff">
    <div class="diff-head">
      <span>
        ${own ? '' : html`<button class="link" onClick=${onBack}>back to the flagged change</button> `}
        ${verb} by <${ActorMark} actor=${change.actor} /> <${Time} time=${change.time} nowMs=${live.nowMs} />
      </span>
      <span class="counts"><b class="plus">+${count('+')}</b> <b class="minus">−${count('-')}</b>
        ${lines.some((line) => line.sign === ' ') && html`<button class="link" aria-pressed=${whole} onClick=${() => setWhole(!whole)}>${whole ? 'changed parts' : 'whole object'}</button>`}
      </span>
    </div>
    <div class="diff-body" tabindex="0" role="region" aria-label="Diff">
      ${count('+') + count('-') === 0 && html`<p class="note">Nothing a person would see changed: only bookkeeping of the API server.</p>`}
      <table>
        <tbody>
          ${(all ? shown : shown.slice(0, LINES_SHOWN)).map((line) => ('fold' in line ? foldRow(line) : lineRow(line, reasons)))}
        </tbody>
      </table>
      ${!all && shown.length > LINES_SHOWN && html`<p class="note"><button onClick=${() => setAll(true)}>${shown.length - LINES_SHOWN} more lines</button></p>`}
    </div>
  </div>`;
}

function linesOf(change: Change): DiffLine[] {
  const [before, after] = [change.before as JsonObject | undefined, change.after as JsonObject | undefined];
  // A deletion's `after` is the last state, which is what went.
  return change.type === 'DELETED' ? diffLines(after, undefined) : diffLines(before, after);
}

function foldRow({ fold }: Fold): VNode {
  return html`<tr class="fold"><td /><td colspan="2">${fold} unchanged line${fold === 1 ? '' : 's'}</td></tr>`;
}

function lineRow(line: DiffLine, reasons: Reason[]): VNode {
  const reason = reasons.find((each) => isFlagged(line, each.path ?? ''));
  const kind = { '+': 'add', '-': 'remove', ' ': 'same' }[line.sign];
  const usual = line.sign === '+' && reason !== undefined && showsValue(line, reason) ? reason.usual : undefined;
  return html`<tr class=${`${kind} ${reason === undefined ? '' : 'flagged'}`}>
    <td class="sign" aria-label=${kind}>${line.sign}</td>
    <td class="code">${' '.repeat(line.indent)}${line.text}</td>
    <td class="usual" title=${reason === undefined ? '' : visible(reason.sentence)}>${usual !== undefined && html`usually ${valueText(usual)}`}</td>
  </tr>`;
}

/** Whether the line's value is what the reason saw: of other reasons, such as an odd author, "usually" would say nothing about the field. */
function showsValue(line: DiffLine, reason: Reason): boolean {
  const value = line.text.replace(/^(?:- )?(?:[^:]|:(?! ))*: /, '').replace(/^"(.*)"$/, '$1');
  return value === valueText(reason.observed);
}
