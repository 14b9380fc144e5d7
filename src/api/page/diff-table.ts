/** Lines of a diff with git's signs, folded around what changed; lines a finding flags are marked, the usual value beside them. */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { html } from './html.ts';
import { useKeys } from './keys.ts';
import type { Reason } from './types.ts';
import { valueText, visible } from './words.ts';
import { type DiffLine, type Fold, foldLines, isFlagged } from './yaml-diff.ts';

const CONTEXT = 3;
/** More lines than this wait for a click: a new object may have thousands. */
const LINES_SHOWN = 400;

interface TableProps {
  /** Undefined while they are read: what was chosen stays chosen. */
  lines: readonly DiffLine[] | undefined;
  reasons?: Reason[];
  /** What is compared, where it is known yet. */
  head: VNode | false;
  /** Said where no line differs. */
  none: string;
}

export function DiffTable({ lines, reasons = [], head, none }: TableProps): VNode {
  const [whole, setWhole] = useState(false);
  const [all, setAll] = useState(false);
  useEffect(() => setAll(false), [lines]);
  useKeys({ f: () => setWhole(!whole) });
  // What else is known of the difference may stand below already, so that what it is the difference of has to be said.
  if (lines === undefined)
    return html`<div class="diff loading">${head !== false && html`<div class="diff-head"><span>${head}</span></div>`}</div>`;
  const shown = whole ? [...lines] : foldLines(lines, CONTEXT);
  const count = (sign: string) => lines.filter((line) => line.sign === sign).length;
  return html`<div class="diff">
    <div class="diff-head">
      <span>${head}</span>
      <span class="counts"><b class="plus">+${count('+')}</b> <b class="minus">−${count('-')}</b>
        ${lines.some((line) => line.sign === ' ') && html`<button class="link" aria-pressed=${whole} onClick=${() => setWhole(!whole)}>${whole ? 'changed parts' : 'whole object'}</button>`}
      </span>
    </div>
    <div class="diff-body" tabindex="0" role="region" aria-label="Diff">
      ${count('+') + count('-') === 0 && html`<p class="note">${none}</p>`}
      <table>
        <tbody>
          ${(all ? shown : shown.slice(0, LINES_SHOWN)).map((line) => ('fold' in line ? foldRow(line) : lineRow(line, reasons)))}
        </tbody>
      </table>
      ${!all && shown.length > LINES_SHOWN && html`<p class="note"><button onClick=${() => setAll(true)}>${shown.length - LINES_SHOWN} more lines</button></p>`}
    </div>
  </div>`;
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
