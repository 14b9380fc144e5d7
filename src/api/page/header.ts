import type { VNode } from 'preact';
import { isUnseen } from './coverage-words.ts';
import { html } from './html.ts';
import type { Live } from './live-data.ts';
import { hashOf, type Place } from './route-hash.ts';
import { roundNumber, wholeNumber } from './words.ts';

export function Header({
  live,
  place,
  listQuery,
  onHelp,
}: {
  live: Live;
  place: Place;
  listQuery: string;
  onHelp: () => void;
}): VNode {
  const { stats, coverage } = live;
  const seen = coverage.filter((kind) => kind.state === 'watched').length;
  const listing = coverage.filter((kind) => kind.state === 'listing').length;
  const unseen = coverage.filter(isUnseen).length;
  const away = live.clusters.filter(({ state }) => state === 'unreachable').length;
  const detectors = Object.values(stats?.maturity?.detectors ?? {});
  const immature = detectors.filter((detector) => !detector.mature).length;
  return html`<header class="top">
    <a class="brand" href=${hashOf({ view: 'list', query: listQuery })}>
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 22v-7M5.5 9h13l-1.8 6H7.3zM12 9V2.5" /><path class="flag" d="M12 2.5l5.5 1.8L12 6.1z" /></svg>
      Crowsnest
    </a>
    <nav>
      <a class=${place.view === 'list' || place.view === 'finding' ? 'here' : ''} href=${hashOf({ view: 'list', query: listQuery })}>Findings</a>
      <a class=${['changes', 'object', 'namespace'].includes(place.view) ? 'here' : ''} href="#/changes">Changes</a>
      <a class=${place.view === 'coverage' ? 'here' : ''} href="#/coverage">Coverage</a>
      <a class=${place.view === 'review' ? 'here' : ''} href="#/review">Review</a>
    </nav>
    <div class="status">
      ${
        stats !== undefined &&
        html`<span title=${`${wholeNumber(stats.changes)} changes recorded, ${wholeNumber(stats.heartbeats)} updates that changed nothing`}>
          <b>${roundNumber(stats.changes)}</b> changes of <b>${roundNumber(stats.objects)}</b> objects
        </span>`
      }
      ${
        coverage.length > 0 &&
        html`<a href="#/coverage" class=${unseen > 0 ? 'attention' : ''}>
          <b>${seen}</b> ${seen === 1 ? 'kind' : 'kinds'} watched${listing > 0 && `, ${listing} listing`}${unseen > 0 && html`, <b>${unseen}</b> not seen`}
        </a>`
      }
      ${away > 0 && html`<a href="#/coverage" class="attention"><b>${away}</b> ${away === 1 ? 'cluster' : 'clusters'} not reached</a>`}
      ${
        stats?.behind !== undefined &&
        html`<span class="state learning" title=${`${wholeNumber(stats.behind.done)} of ${wholeNumber(stats.behind.all)} changes; what comes in meanwhile is judged after them`}>
          ${stats.behind.phase === 'relearning' ? 'learning the record again' : 'judging the record'}: ${percentOf(stats.behind)}
        </span>`
      }
      ${immature > 0 && html`<a href="#/coverage" class="state learning">learning: ${detectors.length - immature} of ${detectors.length} detectors speak</a>`}
      ${stats?.readOnly === true && html`<span class="attention">disk full: nothing new is recorded</span>`}
      ${
        live.error === undefined
          ? html`<span class="pulse" title=${live.replayed ? 'Connected; the newest change is old, so ages are relative to it' : 'Connected'}>
              <i />${live.replayed ? 'replayed' : 'live'}
            </span>`
          : html`<span class="attention" role="alert">${live.error.message}</span>`
      }
      <button class="quiet" onClick=${onHelp} title="Keyboard and query help"><kbd>?</kbd></button>
    </div>
  </header>`;
}

function percentOf({ done, all }: { done: number; all: number }): string {
  return `${all === 0 ? 0 : Math.floor((100 * done) / all)} %`;
}
