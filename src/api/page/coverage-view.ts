import type { VNode } from 'preact';
import { canaryWords, countWords, groupCoverage, limitWords, secondsWords, splitRule } from './coverage-words.ts';
import { html } from './html.ts';
import type { Live } from './live-data.ts';
import { Name, Time } from './marks.ts';
import { MaskedPlaces } from './masked-places.ts';
import type { Cluster, Coverage, Source } from './types.ts';
import { bytes, localTime, visible, wholeNumber } from './words.ts';

/** What is seen, what is not and why, and how far learning has come. */
export function CoverageView({ live }: { live: Live }): VNode {
  const { stats, coverage, clusters, sources } = live;
  // Before the first answer nothing is known: no "nothing seen" is said, and no part comes ahead of what stands above it.
  if (stats === undefined) return html`<main class="coverage"><p class="note">…</p></main>`;
  const { unseen, seen, leftOut } = groupCoverage(coverage);
  const several = clusters.length > 1;
  const detectors = Object.entries(stats.maturity?.detectors ?? {});
  return html`<main class="coverage">
    ${
      clusters.length > 0 &&
      html`<section>
        <h2>${several ? 'Clusters' : 'Cluster'}</h2>
        <ul class="clusters">${clusters.map((cluster) => html`<${ClusterLine} cluster=${cluster} live=${live} />`)}</ul>
      </section>`
    }
    ${
      sources.length > 0 &&
      html`<section>
        <h2>Beside the clusters</h2>
        <ul class="clusters sources">${sources.map((source) => html`<${SourceLine} source=${source} nowMs=${live.nowMs} />`)}</ul>
      </section>`
    }
    ${
      unseen.length > 0 &&
      html`<section>
        <h2>Not seen</h2>
        <p class="note hint"><${Hint} unseen=${unseen} /></p>
        <${KindTable} kinds=${unseen} live=${live} several=${several} reasons=${true} />
      </section>`
    }
    <section>
      <h2>What is seen</h2>
      ${seen.length === 0 && html`<p class="note">${nothingSeen(live)}</p>`}
      ${seen.length > 0 && html`<${KindTable} kinds=${seen} live=${live} several=${several} reasons=${seen.some(({ reason }) => reason !== undefined)} />`}
      ${
        leftOut.length > 0 &&
        html`<details class="left-out">
          <summary>${leftOut.length === 1 ? 'One kind' : `${wholeNumber(leftOut.length)} kinds`} left out on purpose</summary>
          <ul>${leftOut.map((kind) => html`<li><${KindName} kind=${kind} several=${several} /> <span class="reason">${kind.reason}</span></li>`)}</ul>
        </details>`
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
    <section>
      <h2>What is masked</h2>
      <${MaskedPlaces} live=${live} several=${several} />
    </section>
    <section>
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
    </section>
  </main>`;
}

const REACHED = { connecting: 'connecting', reached: 'reached', unreachable: 'not reached' };

function SourceLine({ source, nowMs }: { source: Source; nowMs: number }): VNode {
  return html`<li>
    <b><${Name} text=${source.name} /></b>
    <span class=${source.state === 'unreachable' ? 'cover broken' : 'cover'}>${REACHED[source.state]} for ${howLong(source.since, nowMs)}</span>
    ${source.reason !== undefined && html`<span class="reason">${visible(source.reason)}</span>`}
  </li>`;
}

function howLong(since: string, nowMs: number): string {
  return secondsWords(Math.max(1, (nowMs - Date.parse(since)) / 1000));
}

function ClusterLine({ cluster, live }: { cluster: Cluster; live: Live }): VNode {
  const { state, canary } = cluster;
  const rows = live.coverage.filter((row) => row.cluster === cluster.cluster);
  return html`<li>
    <b><${Name} text=${cluster.cluster} /></b>
    <span class=${state === 'unreachable' ? 'cover broken' : 'cover'}>${REACHED[state]} for ${howLong(cluster.since, live.nowMs)}</span>
    ${rows.length > 0 && html`<span>${countWords(rows)}</span>`}
    ${canary !== undefined && html`<span class=${canary.state === 'missing' ? 'cover broken' : 'cover'}>${canaryWords(canary)}</span>`}
    ${cluster.reason !== undefined && html`<span class="reason">${visible(cluster.reason)}</span>`}
  </li>`;
}

function KindName({ kind, several }: { kind: Coverage; several: boolean }): VNode {
  const version = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  return html`<span><b>${kind.kind}</b> <small><${Name} text=${version} />${several && html` in ${kind.cluster}`}</small></span>`;
}

function KindTable(options: { kinds: Coverage[]; live: Live; several: boolean; reasons: boolean }): VNode {
  const { kinds, live, several, reasons } = options;
  return html`<div class="scroll"><table class="plain">
    <thead><tr>
      <th>Kind</th><th>State</th><th class="number">Objects</th><th>Last event</th>
      <th title="Since the last event, bookmark or new connection">Last sign of life</th>${reasons && html`<th>Why, and what to do</th>`}
    </tr></thead>
    <tbody>
      ${kinds.map(
        (kind) => html`<tr>
          <td><${KindName} kind=${kind} several=${several} />${limitWords(kind).map((limit) => html`<small class="limit">${limit}</small>`)}</td>
          <td title=${`since ${localTime(kind.since)}`}><span class=${`cover ${kind.state}`}>${kind.state}</span></td>
          <td class="number">${wholeNumber(kind.objects)}</td>
          <td>${kind.lastEvent === undefined ? '' : html`<${Time} time=${kind.lastEvent} nowMs=${live.nowMs} />`}</td>
          <td>${kind.lagSeconds === undefined ? '' : `${secondsWords(kind.lagSeconds)} ago`}</td>
          ${reasons && html`<td class="reason"><${Reason} reason=${kind.reason ?? ''} /></td>`}
        </tr>`,
      )}
    </tbody>
  </table></div>`;
}

function Reason({ reason }: { reason: string }): VNode {
  const { text, rule } = splitRule(visible(reason));
  return html`<span>${text}${rule !== undefined && html`<code class="rule">- ${rule}</code>`}</span>`;
}

function Hint({ unseen }: { unseen: readonly Coverage[] }): VNode {
  if (!unseen.some(({ state }) => state === 'forbidden'))
    return html`<span>Changes of these kinds go unrecorded until they are seen again.</span>`;
  return html`<span>Changes of these kinds go unrecorded. A role with all that is missing: <code>crowsnest rbac | kubectl apply -f -</code></span>`;
}

function nothingSeen({ clusters, stats }: Live): string {
  if (clusters.length > 0) return 'Nothing is seen yet.';
  return `No live cluster is watched${stats?.first === undefined ? '' : '; what is shown comes from a recorded stream'}.`;
}
