/** Changes as a list: when, what, who with how sure, what was found on it. One is chosen; one may be the base to compare with. */
import type { VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { ChangePages } from './change-pages.ts';
import { damagedWords, foldReports, isReport, type ReportRun, shortWords } from './change-words.ts';
import { html } from './html.ts';
import { ActorMark, Clock, Name, SeverityMark } from './marks.ts';
import { hashOf, type Place } from './route-hash.ts';
import type { ChangeSummary, Finding } from './types.ts';
import { age, visible, wholeNumber } from './words.ts';

interface ListProps {
  pages: ChangePages;
  nowMs: number;
  /** Where a row leads. */
  placeOf: (change: ChangeSummary) => Place;
  findings?: Map<number, Finding[]>;
  chosen?: number | undefined;
  base?: number | undefined;
  /** Where choosing a row as the base leads; absent where nothing is compared. */
  baseOf?: (change: ChangeSummary) => Place;
  /** Changes of many objects: each names its own. */
  withObject?: boolean;
  /** Changes whose run of reports was opened; absent where none is folded. */
  unfolded?: ReadonlySet<number>;
  onUnfold?: (run: ReportRun) => void;
  none: VNode | string;
}

export function ChangeList({ pages, nowMs, none, unfolded, onUnfold, ...row }: ListProps): VNode {
  const { changes, state, message, through, damaged, more } = pages;
  const rows = unfolded === undefined ? changes : foldReports(changes, unfolded);
  return html`<div class="change-list">
    ${message !== undefined && html`<p class="note attention" role="alert">${message}</p>`}
    ${damaged > 0 && html`<p class="note attention">${damagedWords(damaged)}</p>`}
    ${
      changes.length > 0 &&
      html`<ol class=${row.withObject === true ? 'wide' : ''} aria-label="Changes, newest first">
        ${rows.map((each) =>
          'reports' in each
            ? html`<${Folded} key=${each.reports[0]?.seq} run=${each} nowMs=${nowMs} onUnfold=${onUnfold} />`
            : html`<${Row} key=${each.seq} change=${each} nowMs=${nowMs} ...${row} />`,
        )}
      </ol>`
    }
    ${changes.length === 0 && state === 'ready' && more === undefined && html`<p class="note">${none}</p>`}
    ${state === 'loading' && html`<p class="note">Reading…</p>`}
    ${
      more !== undefined &&
      html`<p class="note">
        <button onClick=${more}>${through === undefined ? 'Older changes' : 'Search on'}</button>
        ${through !== undefined && html` <small>searched back to ${age(through, nowMs)}</small>`}
      </p>`
    }
  </div>`;
}

function Folded({ run, nowMs, onUnfold }: { run: ReportRun; nowMs: number; onUnfold: (run: ReportRun) => void }): VNode {
  const { reports } = run;
  return html`<li class="folded"><button class="quiet" onClick=${() => onUnfold(run)}>
    <span class="when"><${Clock} time=${reports[0]?.time ?? ''} nowMs=${nowMs} /></span>
    <span>${wholeNumber(reports.length)} reports of status, back to <${Clock} time=${reports.at(-1)?.time ?? ''} nowMs=${nowMs} /></span>
  </button></li>`;
}

/** As in history.css. */
export function isBeside(): boolean {
  return window.matchMedia('(min-width: 1081px)').matches;
}

interface RowProps extends Omit<ListProps, 'pages' | 'none' | 'unfolded' | 'onUnfold'> {
  change: ChangeSummary;
}

function Row({ change, nowMs, placeOf, findings, chosen, base, baseOf, withObject }: RowProps): VNode {
  const here = change.seq === chosen;
  const item = useRef<HTMLLIElement>(null);
  const shown = useRef(false);
  useLayoutEffect(() => {
    // Not when the page opens, nor where the list lies under what it chooses: there the eye is elsewhere.
    if (here && shown.current && isBeside()) item.current?.scrollIntoView({ block: 'nearest' });
    shown.current = true;
  }, [here]);
  const { ref, seq, actor, time } = change;
  const found = findings?.get(seq) ?? [];
  const isBase = seq === base;
  return html`<li ref=${item} class=${`${here ? 'here' : ''} ${isBase ? 'base' : ''} ${isReport(change) ? 'report' : ''} ${change.own ? 'own' : ''}`}>
    <a class="row" href=${hashOf(placeOf(change))} aria-current=${here ? 'true' : undefined}>
      <span class="when"><${Clock} time=${time} nowMs=${nowMs} /></span>
      ${
        withObject === true &&
        html`<span class="object"><${Name} text=${ref.name} /><small>${visible(ref.kind)}${ref.namespace !== '' && html` in <${Name} text=${ref.namespace} />`}</small></span>`
      }
      <span class="what"><${Name} text=${shortWords(change)} />${change.checkpoint === true && html` <small>and what came before it that day</small>`}</span>
      <${ActorMark} actor=${actor} />
    </a>
    <span class="found">${found.map(
      (finding) =>
        html`<a href=${hashOf({ view: 'finding', id: finding.id })} title=${visible(finding.summary)}><${SeverityMark} severity=${finding.severity} /></a>`,
    )}</span>
    ${
      baseOf !== undefined &&
      html`<a class="base" href=${hashOf(baseOf(change))} aria-current=${isBase ? 'true' : undefined} title="Compare from here">from</a>`
    }
  </li>`;
}
