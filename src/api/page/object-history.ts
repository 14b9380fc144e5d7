/** The changes of an object beside what one of them did, or what differs between two. */
import type { VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { ChangeList, isBeside } from './change-list.ts';
import type { ChangePages } from './change-pages.ts';
import type { ReportRun } from './change-words.ts';
import { html } from './html.ts';
import { type Live, useAnswer } from './live-data.ts';
import { Clock } from './marks.ts';
import { ObjectEvents } from './object-events.ts';
import { QueryForm } from './query-form.ts';
import { OneChange, TwoRevisions } from './revision-view.ts';
import { changeAt, inOrder, isSeq } from './revisions.ts';
import { hashOf, type ObjectPlace, objectSegments } from './route-hash.ts';
import type { Change, ChangeSummary, Finding, KubeEventList } from './types.ts';

interface HistoryProps {
  place: ObjectPlace;
  pages: ChangePages;
  chosen: ChangeSummary | undefined;
  unfolded: ReadonlySet<number>;
  onUnfold: (run: ReportRun) => void;
  findings: Map<number, Finding[]>;
  live: Live;
  /** Why nothing is chosen. */
  missing: string | undefined;
}

export function ObjectHistory({ place, pages, chosen, unfolded, onUnfold, findings, live, missing }: HistoryProps): VNode {
  const { object, from, at, query = '' } = place;
  const to = at ?? (chosen === undefined ? undefined : String(chosen.seq));
  const base = from === undefined ? undefined : (changeAt(pages.changes, from)?.seq ?? Number(from));
  const nowMs = live.nowMs;
  const events = useAnswer<KubeEventList>(`/v1/objects/${objectSegments(object)}/events?limit=50`, live.version);
  const words = (revision: string) =>
    html`<${RevisionWords} revision=${revision} change=${changeAt(pages.changes, revision)} nowMs=${nowMs} />`;
  const ends = from === undefined || to === undefined ? undefined : inOrder(pages.changes, from, to);
  const panel = useRef<HTMLElement>(null);
  const before = useRef(place.at);
  useLayoutEffect(() => {
    if (before.current !== place.at && !isBeside()) panel.current?.scrollIntoView({ block: 'start' });
    before.current = place.at;
  }, [place.at]);
  const out = html`<a href=${hashOf(withoutBase(place))}>end comparing</a>`;
  return html`<div class="history-columns">
    <section class="panel list-panel" aria-label="Changes of this object">
      <${QueryForm} query=${query} onQuery=${(text: string) => {
        location.hash = hashOf({ view: 'object', object, tab: 'history', ...(text === '' ? {} : { query: text }) });
      }} placeholder="path:spec.*  actor:alice*  value>3  after:7d" />
      <p class="note keys"><kbd>j</kbd> <kbd>k</kbd> older, newer · <kbd>[</kbd> <kbd>]</kbd> with reports · <kbd>c</kbd> compare from here</p>
      ${chosen !== undefined && pages.state === 'ready' && !pages.changes.includes(chosen) && html`<p class="note"><a href=${hashOf(aroundChosen(place, chosen))}>The changes before ${chosen.seq}</a></p>`}
      <${ChangeList} pages=${pages} nowMs=${nowMs} findings=${findings} unfolded=${unfolded} onUnfold=${onUnfold} chosen=${chosen?.seq} base=${base}
        placeOf=${({ seq }: ChangeSummary) => ({ ...place, at: String(seq) })}
        baseOf=${(change: ChangeSummary) => withBase({ ...place, ...(chosen === undefined ? {} : { at: String(chosen.seq) }) }, change)}
        none=${query === '' ? 'No change of it is kept.' : 'No change fits.'} />
    </section>
    <section ref=${panel} class="panel diff-panel" aria-label="What differs">
      ${ends === undefined && chosen !== undefined && html`<${OneChange} change=${chosen} findings=${findings.get(chosen.seq) ?? []} whoVersion=${live.whoVersion} nowMs=${nowMs} />`}
      ${ends !== undefined && ends.from === ends.to && html`<p class="note">That is one and the same revision: choose another one, or ${out}.</p>`}
      ${
        ends !== undefined &&
        ends.from !== ends.to &&
        html`<${TwoRevisions} object=${object} from=${ends.from} to=${ends.to} between=${ends.between} words=${[words(ends.from), words(ends.to)]} out=${out} />`
      }
      ${chosen === undefined && place.at !== undefined && pages.state === 'ready' && html`<p class="note">${missing ?? 'Reading…'}</p>`}
      <${ObjectEvents} events=${events.answer?.items ?? []} nowMs=${nowMs} />
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
  if (known !== undefined) return html`<span>change ${known.seq}, <${Clock} time=${known.time} nowMs=${nowMs} /></span>`;
  return html`<span>${isSeq(revision) ? `change ${revision}` : html`<${Clock} time=${revision} nowMs=${nowMs} />`}</span>`;
}

/** The same change once more ends the comparing. */
export function withBase(place: ObjectPlace, change: ChangeSummary): ObjectPlace {
  return place.from === String(change.seq) ? withoutBase(place) : { ...place, from: String(change.seq) };
}

/** The list from the chosen change on, where that is further back than what is loaded. */
export function aroundChosen(place: ObjectPlace, { seq, time }: Pick<ChangeSummary, 'seq' | 'time'>): ObjectPlace {
  return { ...place, at: String(seq), query: `before:${new Date(Date.parse(time) + 1).toISOString()}` };
}

function withoutBase({ from: _, ...place }: ObjectPlace): ObjectPlace {
  return place;
}
