import type { VNode } from 'preact';
import { html } from './html.ts';
import type { Live } from './live-data.ts';
import { Name, Time } from './marks.ts';
import { bytes, localTime, wholeNumber } from './words.ts';

const ORDER = ['broken', 'forbidden', 'stale', 'listing', 'watched', 'gone'];

/** What is seen, what is not and why, and how far learning has come. */
export function CoverageView({ live }: { live: Live }): VNode {
  const { stats } = live;
  const kinds = [...live.coverage].sort(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.kind.localeCompare(b.kind) || a.group.localeCompare(b.group),
  );
  const detectors = Object.entries(stats?.maturity?.detectors ?? {});
  return html`<main class="coverage">
    <section>
      <h2>What is seen</h2>
      ${kinds.length === 0 && html`<p class="note">No live cluster is watched${stats?.first === undefined ? '' : '; what is shown comes from a recorded stream'}.</p>`}
      ${
        kinds.length > 0 &&
        html`<div class="scroll"><table class="plain">
          <thead><tr><th>Kind</th><th>State</th><th class="number">Objects</th><th>Last event</th><th>Why, and what to do</th></tr></thead>
          <tbody>
            ${kinds.map(
              (kind) => html`<tr>
                <td><b>${kind.kind}</b> <small><${Name} text=${kind.group === '' ? kind.version : `${kind.group}/${kind.version}`} /></small></td>
                <td><span class=${`cover ${kind.state}`}>${kind.state}</span></td>
                <td class="number">${wholeNumber(kind.objects)}</td>
                <td>${kind.lastEvent === undefined ? '' : html`<${Time} time=${kind.lastEvent} nowMs=${live.nowMs} />`}</td>
                <td class="reason">${kind.reason ?? ''}</td>
              </tr>`,
            )}
          </tbody>
        </table></div>`
      }
    </section>
    <section>
      <h2>What is learnt</h2>
      ${detectors.length === 0 && html`<p class="note">Nothing is known of the model yet.</p>`}
      ${
        detectors.length > 0 &&
        html`<table class="plain">
          <thead><tr><th>Detector</th><th>State</th><th class="number">Samples</th></tr></thead>
          <tbody>
            ${detectors.map(
              ([name, { mature, samples }]) => html`<tr>
                <td><b>${name.replaceAll('-', ' ')}</b></td>
                <td>${mature ? html`<span class="cover watched">speaks</span>` : html`<span class="state learning">still learning</span>`}</td>
                <td class="number">${wholeNumber(samples)}</td>
              </tr>`,
            )}
          </tbody>
        </table>`
      }
    </section>
    ${
      stats !== undefined &&
      html`<section>
        <h2>What is recorded</h2>
        <dl class="facts">
          <div><dt>Changes</dt><dd>${wholeNumber(stats.changes)}</dd></div>
          <div><dt>Objects</dt><dd>${wholeNumber(stats.objects)}</dd></div>
          <div><dt>Updates without a change</dt><dd>${wholeNumber(stats.heartbeats)}</dd></div>
          <div><dt>Metric samples</dt><dd>${wholeNumber(stats.samples)}</dd></div>
          <div><dt>Not recordable</dt><dd>${wholeNumber(stats.rejects)}</dd></div>
          <div><dt>On disk</dt><dd>${bytes(stats.bytes)}</dd></div>
          ${stats.first !== undefined && html`<div><dt>First change</dt><dd>${localTime(stats.first)}</dd></div>`}
          ${stats.last !== undefined && html`<div><dt>Newest change</dt><dd>${localTime(stats.last)}</dd></div>`}
          <div><dt>Version</dt><dd>${stats.version}</dd></div>
        </dl>
      </section>`
    }
  </main>`;
}
