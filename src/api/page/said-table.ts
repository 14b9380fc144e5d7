/** All verdicts that stand, with what they did: one that has made no difference for long is one to take back. */
import type { VNode } from 'preact';
import { html } from './html.ts';
import { type Live, useAnswer } from './live-data.ts';
import { hashOf } from './route-hash.ts';
import type { VerdictList } from './types.ts';
import { hitWords, scopeWords, visible } from './words.ts';

export function SaidTable({ live }: { live: Live }): VNode {
  const { answer, error } = useAnswer<VerdictList>('/v1/verdicts', live.version);
  if (error !== undefined) return html`<p class="note attention" role="alert">${error.message}</p>`;
  if (answer === undefined) return html`<p class="note">Reading…</p>`;
  const standing = answer.items.filter(({ withdrawn }) => withdrawn === undefined);
  if (standing.length === 0) return html`<p class="note">Nothing was said yet.</p>`;
  return html`<div class="scroll"><table class="plain said-table">
    <thead><tr><th>Word</th><th>Of</th><th>By</th><th>Until</th><th>Effect so far</th></tr></thead>
    <tbody>
      ${standing.map(
        ({ findingId, verdict, scope, by, why, expires, hits }) => html`<tr>
          <td><a href=${hashOf({ view: 'finding', id: findingId })}>${verdict}</a></td>
          <td>${scopeWords(scope)}${why !== undefined && html` <q>${visible(why)}</q>`}</td>
          <td>${visible(by)}</td>
          <td>${expires.slice(0, 10)}${Date.parse(expires) <= live.nowMs && html` <small>over</small>`}</td>
          <td>${hitWords(hits)}</td>
        </tr>`,
      )}
    </tbody>
  </table></div>`;
}
