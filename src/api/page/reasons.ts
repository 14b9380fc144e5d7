/** Reasons, strongest first: the sentence, how surprising it is as a bar, what was seen next to what is usual, on how much it rests. */
import type { VNode } from 'preact';
import { html } from './html.ts';
import { Name } from './marks.ts';
import type { Finding, Reason } from './types.ts';
import { odds, valueText, visible, wholeNumber } from './words.ts';

/** A bar this long is one in a million; longer ones stay at full length. */
const BITS_FULL = 6;

export function Reasons({ finding }: { finding: Finding }): VNode {
  if (finding.reasons.length === 0) return html`<p class="note">No reasons were stored with this finding.</p>`;
  // The strongest stands open; the others show what was seen and what is usual, and open for the rest.
  return html`<ol class="reasons">
    ${finding.reasons.map((reason, i) => html`<li>${i === 0 ? open(reason) : folded(reason)}</li>`)}
  </ol>`;
}

function open(reason: Reason): VNode {
  return html`<p class="sentence">${visible(reason.sentence)}</p>
    <${Weight} reason=${reason} />
    <${Evidence} reason=${reason} />`;
}

function folded(reason: Reason): VNode {
  return html`<details>
    <summary>
      <span class="sentence">${visible(reason.sentence)}</span>
      <${Weight} reason=${reason} />
    </summary>
    <${Evidence} reason=${reason} />
  </details>`;
}

function Weight({ reason }: { reason: Reason }): VNode {
  const share = Math.min(1, Math.max(0.02, reason.bits / BITS_FULL));
  const oneIn = odds(10 ** Math.max(0, reason.bits));
  return html`<span class="weight" title=${`by chance alone about once in ${oneIn}`}>
    <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=${`surprise ${reason.bits.toFixed(1)} of ${BITS_FULL}`}>
      <rect class="track" width="100" height="6" /><rect class="fill" width=${share * 100} height="6" />
    </svg>
    <span>1 in ${oneIn}</span>
  </span>`;
}

function Evidence({ reason }: { reason: Reason }): VNode {
  return html`
    ${
      (reason.observed !== undefined || reason.usual !== undefined) &&
      html`<dl class="beside">
        <div class="seen"><dt>seen</dt><dd>${valueText(reason.observed)}</dd></div>
        <div class="usual"><dt>usual</dt><dd>${valueText(reason.usual)}</dd></div>
      </dl>`
    }
    <p class="basis">
      ${reason.path !== undefined && reason.path !== '' && html`<code><${Name} text=${reason.path} /></code>`}
      <span>${basis(reason)}</span>
    </p>
    ${reason.counterfactual !== undefined && html`<p class="counterfactual">Not flagged would be: ${visible(reason.counterfactual)}</p>`}
  `;
}

function basis(reason: Reason): string {
  const detector = reason.detector.replaceAll('-', ' ');
  if (reason.samples === undefined) return `${detector}${reason.scope === undefined ? '' : `, by ${reason.scope}`}`;
  const level = reason.scope === undefined ? '' : ` of this ${reason.scope}`;
  return `${detector}, from ${wholeNumber(reason.samples)} past case${reason.samples === 1 ? '' : 's'}${level}`;
}
