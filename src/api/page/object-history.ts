/** The changes of an object beside what one of them did, or what differs between two. */
import type { VNode } from 'preact';
import { ChangeList } from './change-list.ts';
import type { ChangePages } from './change-pages.ts';
import type { ReportRun } from './change-words.ts';
import { html } from './html.ts';
import { type Live, useAnswer } from './live-data.ts';
import { Time } from './marks.ts';
import { QueryForm } from './query-form.ts';
import { OneChange, TwoRevisions } from './revision-view.ts';
import { changeAt, inOrder, isSeq } from './revisions.ts';
import { hashOf, type ObjectPlace } from './route-hash.ts';
import type { Change, ChangeSummary, Finding, ObjectSummary } from './types.ts';

interface HistoryProps {
  place: ObjectPlace;
  pages: ChangePages;
  chosen: ChangeSummary | undefined;
  unfolded: ReadonlySet<number>;
  onUnfold: (run: ReportRun) => void;
  findings: Map<number, Finding[]>;
  live: Live;
  summary: ObjectSummary | undefined;
}

export function ObjectHistory({ place, pages, chosen, unfolded, onUnfold, findings, live, summary }: HistoryProps): VNode {
  const { object, from, at, query = '' } = place;
  const to = at ?? (chosen === undefined ? undefined : String(chosen.seq));
  const base = from === undefined ? undefined : (changeAt(pages.changes, from)?.seq ?? Number(from));
  const nowMs = live.nowMs;
  const words = (revision: string) =>
    html`<${RevisionWords} revision=${revision} change=${changeAt(pages.changes, revision)} nowMs=${nowMs} />`;
  const ends = from === undefined || to === undefined ? undefined : inOrder(pages.changes, from, to);
  return html`<div class="history-columns">
    <section class="panel list-panel" aria-label="Changes of this object">
      <${QueryForm} query=${query} onQuery=${(text: string) => {
        location.hash = hashOf({ view: 'object', object, tab: 'history', ...(text === '' ? {} : { query: text }) });
      }} placeholder="path:spec.*  actor:alice*  value>3  after:7d" />
      <p class="note keys"><kbd>j</kbd> <kbd>k</kbd> older, newer · <kbd>[</kbd> <kbd>]</kbd> with reports · <kbd>c</kbd> compare from here</p>
      <${ChangeList} pages=${pages} nowMs=${nowMs} findings=${findings} unfolded=${unfolded} onUnfold=${onUnfold} chosen=${chosen?.seq} base=${base}
        placeOf=${({ seq }: ChangeSummary) => ({ ...place, at: String(seq) })}
        baseOf=${(change: ChangeSummary) => withBase({ ...place, ...(chosen === undefined ? {} : { at: String(chosen.seq) }) }, change)}
        none=${query === '' ? 'No change of it is kept.' : 'No change fits.'} />
    </section>
    <section class="panel diff-panel" aria-label="What differs">
      ${from !== undefined && html`<p class="compare-bar"><span>Compared with ${words(from)}</span> <a href=${hashOf(withoutBase(place))}>end comparing</a></p>`}
      ${ends === undefined && chosen !== undefined && html`<${OneChange} key=${chosen.seq} change=${chosen} findings=${findings.get(chosen.seq) ?? []} nowMs=${nowMs} />`}
      ${ends !== undefined && ends.from === ends.to && html`<p class="note">That is one and the same revision: choose another one.</p>`}
      ${
        ends !== undefined &&
        ends.from !== ends.to &&
        html`<${TwoRevisions} object=${object} from=${ends.from} to=${ends.to} between=${ends.between}
          words=${[words(ends.from), words(ends.to)]} />`
      }
      ${chosen === undefined && pages.state === 'ready' && summary !== undefined && html`<p class="note">Choose a change.</p>`}
    </section>
  </div>`;
}

/** `change 812, 5 min ago`; of one that is not in the list the time is asked for. */
function RevisionWords({
  revision,
  change,
  nowMs,
}: {
  revision: string;
  change: ChangeSummary | undefined;
  nowMs: number;
}): VNode {
  const wanted = change === undefined && isSeq(revision) ? `/v1/changes/${revision}` : undefined;
  const { answer } = useAnswer<Change>(wanted, 'recorded');
  const known = change ?? answer;
  if (known !== undefined) return html`<span>change ${known.seq}, <${Time} time=${known.time} nowMs=${nowMs} /></span>`;
  return html`<span>${isSeq(revision) ? `change ${revision}` : html`<${Time} time=${revision} nowMs=${nowMs} />`}</span>`;
}

/** The same change once more ends the comparing. */
export function withBase(place: ObjectPlace, change: ChangeSummary): ObjectPlace {
  return place.from === String(change.seq) ? withoutBase(place) : { ...place, from: String(change.seq) };
}

function withoutBase({ from: _, ...place }: ObjectPlace): ObjectPlace {
  return place;
}
