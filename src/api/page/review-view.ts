/** What did not page and waits for a person's word, and what the words so far say of the level. */
import type { VNode } from 'preact';
import { html } from './html.ts';
import { type Live, useAnswer } from './live-data.ts';
import { Name } from './marks.ts';
import { hashOf } from './route-hash.ts';
import { SaidTable } from './said-table.ts';
import type { Review, ReviewEstimate, ReviewItem } from './types.ts';
import { rowSentence, subjectName, visible, wholeNumber } from './words.ts';

export function ReviewView({ live }: { live: Live }): VNode {
  const { answer, error } = useAnswer<Review>('/v1/review?limit=1000', live.version);
  if (error !== undefined)
    return html`<main class="coverage review"><p class="note attention" role="alert">${error.message}</p></main>`;
  if (answer === undefined) return html`<main class="coverage review"><p class="note">Reading…</p></main>`;
  const waiting = answer.items.filter((item) => item.answer === undefined);
  const answered = answer.items.filter((item) => item.answer !== undefined);
  const several = answer.estimates.length > 1;
  return html`<main class="coverage review">
    <section>
      <h2>Waits for your word</h2>
      <p class="note hint">
        These did not page. Of each day there is the most surprising one, and a few drawn from just under the alert level. Open one and call it expected or
        wrong: that alone tells how much the level hides.
      </p>
      <${Items} items=${waiting} several=${several} none="Nothing waits. What a day brings is drawn when the next one begins." />
    </section>
    <section>
      <h2>How right the level is</h2>
      ${answer.estimates.length === 0 && html`<p class="note">Not known before the first day is over.</p>`}
      ${answer.estimates.map((estimate) => html`<${Estimate} estimate=${estimate} several=${several} />`)}
    </section>
    <section>
      <h2>What was said</h2>
      <${SaidTable} live=${live} />
    </section>
    ${
      answered.length > 0 &&
      html`<section>
        <h2>Answered</h2>
        <${Items} items=${answered} several=${several} none="" />
      </section>`
    }
  </main>`;
}

function Items({ items, several, none }: { items: ReviewItem[]; several: boolean; none: string }): VNode {
  if (items.length === 0) return html`<p class="note">${none}</p>`;
  return html`<div class="scroll"><table class="plain">
    <thead><tr><th>Day</th><th>Object</th><th>What</th><th class="number">Score</th><th>Drawn as</th></tr></thead>
    <tbody>
      ${items.map(
        ({ day, cluster, slot, level, weight, finding, answer }) => html`<tr>
          <td class="short">${day}${several && html` <small><${Name} text=${cluster} /></small>`}</td>
          <td><a href=${hashOf({ view: 'finding', id: finding.id })}><${Name} text=${subjectName(finding)} /></a></td>
          <td>${visible(rowSentence(finding))}${answer !== undefined && html` <b>${answer.verdict}</b>, said ${visible(answer.by)}`}</td>
          <td class="number short">${finding.score.toFixed(1)} <small>of ${level.toFixed(1)}</small></td>
          <td>${slot === 'highest' ? 'highest of the day' : `one of ${wholeNumber(Math.round(weight))}`}</td>
        </tr>`,
      )}
    </tbody>
  </table></div>`;
}

function Estimate({ estimate, several }: { estimate: ReviewEstimate; several: boolean }): VNode {
  const { pages, notPaged, precision, recall, cluster, from, to } = estimate;
  return html`<dl class="facts" title=${`${from} to ${to}`}>
    ${several && html`<div><dt>Cluster</dt><dd><${Name} text=${cluster} /></dd></div>`}
    <div><dt>Pages answered</dt><dd>${pages.answered} of ${pages.all}</dd></div>
    <div><dt>Drawn ones answered</dt><dd>${notPaged.answered} of ${notPaged.sampled}, for ${wholeNumber(notPaged.all)}</dd></div>
    ${
      notPaged.gone !== undefined &&
      html`<div><dt title="They went before their day was drawn, to keep to --db-max-bytes">Drawn ones gone</dt><dd>${notPaged.gone}</dd></div>`
    }
    <div><dt title="Of pages, how many were wrong indeed">Precision</dt><dd>${shareWords(precision)}</dd></div>
    <div><dt title="Of what was wrong indeed, over the level or up to ten times commoner, how much paged">Recall</dt><dd>${shareWords(recall)}</dd></div>
  </dl>`;
}

function shareWords(share: ReviewEstimate['precision']): string {
  if (share === undefined) return 'too few answers';
  const [value, low, high] = [share.value, share.low, share.high].map((each) => Math.round(100 * each));
  return `${value} % (${low} to ${high})`;
}
