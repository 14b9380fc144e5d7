/** Everything recorded of one object: its changes and any two compared, who set each field, its state at a time. */
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { useChangePages } from './change-pages.ts';
import { findingsBySeq, foldReports, type ReportRun } from './change-words.ts';
import { useChosenChange } from './chosen-change.ts';
import { html } from './html.ts';
import { useKeys } from './keys.ts';
import { type Live, useAnswer } from './live-data.ts';
import { ObjectBlame } from './object-blame.ts';
import { ObjectHead, Tabs } from './object-head.ts';
import { aroundChosen, ObjectHistory, withBase } from './object-history.ts';
import { ObjectState } from './object-state.ts';
import { changeAt, isSeq } from './revisions.ts';
import { hashOf, type ObjectPlace, objectSegments } from './route-hash.ts';
import { GoToTime } from './time-input.ts';
import { Timeline } from './timeline.ts';
import type { ChangeSummary, Finding, FindingList, ObjectSummary } from './types.ts';

export function ObjectView({ place, live }: { place: ObjectPlace; live: Live }): VNode {
  const { object, tab, query = '' } = place;
  const path = `/v1/objects/${objectSegments(object)}`;
  const { answer: summary, error } = useAnswer<ObjectSummary>(path, live.version);
  const { cluster, group, kind, namespace, name } = object;
  // A search looks through much; it is not made again with every poll.
  const pages = useChangePages(
    query === '' ? `${path}/history` : '/v1/changes',
    query === '' ? {} : { cluster, group, kind, namespace, name, q: query },
    query === '' || live.version === '' ? live.version : 'asked',
  );
  const { change: chosen, missing } = useChosenChange(place, pages, live.whoVersion);
  const findings = useObjectFindings(
    place,
    [...pages.changes, ...(chosen === undefined ? [] : [chosen])],
    summary === undefined ? '' : `${summary.seq}/${live.stats?.findings}`,
  );
  const bySeq = useMemo(() => findingsBySeq(findings), [findings]);
  useEffect(() => window.scrollTo(0, 0), [path]);

  const index = chosen === undefined ? -1 : pages.changes.indexOf(chosen);
  const show = (more: Partial<ObjectPlace>) => location.replace(hashOf({ ...place, ...more }));
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const base = place.from === undefined ? undefined : changeAt(pages.changes, place.from);
  const unfolded = new Set([...opened, ...[chosen, base].flatMap((change) => change?.seq ?? [])]);
  const unfold = ({ reports }: ReportRun) => setOpened(new Set([...opened, ...reports.map(({ seq }) => seq)]));
  /** From row to row of the list, over what is folded. */
  const stepRow = (by: number) => {
    const rows = foldReports(pages.changes, unfolded).filter((row) => 'seq' in row);
    const next = index < 0 ? undefined : rows[rows.findIndex(({ seq }) => seq === chosen?.seq) + by];
    if (next !== undefined) show({ at: String(next.seq) });
    else if (by > 0 || index < 0) step(by);
  };
  const step = (by: number) => {
    const next = index < 0 ? undefined : pages.changes[Math.max(0, index + by)];
    if (next !== undefined) show({ at: String(next.seq) });
    else if (index >= 0) pages.more?.();
    else if (chosen !== undefined) show(aroundChosen(place, chosen));
  };
  const toTab = (to: ObjectPlace['tab']) => {
    const { view, object: same, at } = place;
    location.hash = hashOf({ view, object: same, tab: to, ...(at === undefined ? {} : { at }) });
  };
  useKeys({
    ...{ j: () => stepRow(1), k: () => stepRow(-1), '[': () => step(1), ']': () => step(-1) },
    ...{ h: () => toTab('history'), b: () => toTab('blame'), s: () => toTab('state') },
    c: tab === 'history' && chosen !== undefined ? () => show(withBase(place, chosen)) : undefined,
  });
  if (error !== undefined && summary === undefined)
    return html`<main class="object-view finding"><p class="note attention" role="alert">${error.message}</p><p class="note"><a href="#/changes">All changes</a></p></main>`;

  const at = place.at ?? (summary === undefined ? undefined : String(summary.seq));
  const atTime = chosen?.time ?? (place.at !== undefined && !isSeq(place.at) ? place.at : undefined);
  return html`<main class="object-view finding">
    <${ObjectHead} object=${object} summary=${summary} nowMs=${live.nowMs} />
    <section class="panel">
      ${pages.state !== 'failed' && html`<${Timeline} changes=${pages.state === 'ready' ? pages.changes : undefined} findings=${findings} seq=${chosen?.seq} onSeq=${(seq: number) => show({ at: String(seq) })} more=${pages.more !== undefined} />`}
    </section>
    <div class="tab-bar">
      <${Tabs} object=${object} tab=${tab} at=${place.at} />
      ${
        tab !== 'history' &&
        html`<span class="when-bar">
          <button onClick=${() => step(1)} title="The change before">‹ older <kbd>[</kbd></button>
          <button onClick=${() => step(-1)} title="The change after" disabled=${index === 0}>newer › <kbd>]</kbd></button>
          ${place.at !== undefined && html`<a href=${hashOf({ view: 'object', object, tab })}>newest</a>`}
          <${GoToTime} label="At" value=${(place.at !== undefined && !isSeq(place.at) ? place.at : atTime) ?? new Date(live.nowMs).toISOString()} onTime=${(time: string) => show({ at: time })} />
        </span>`
      }
    </div>
    ${tab === 'history' && html`<${ObjectHistory} place=${place} pages=${pages} chosen=${chosen} unfolded=${unfolded} onUnfold=${unfold} findings=${bySeq} live=${live} missing=${missing} />`}
    ${tab === 'blame' && html`<section class="panel"><${ObjectBlame} object=${object} at=${place.at} version=${summary === undefined ? '' : String(summary.seq)} whoVersion=${live.whoVersion} nowMs=${live.nowMs} /></section>`}
    ${tab === 'state' && at !== undefined && summary !== undefined && html`<section class="panel"><${ObjectState} object=${object} at=${at} newest=${summary.seq} version=${String(summary.seq)} /></section>`}
  </main>`;
}

/** The findings about the object since the oldest change that is loaded; read again when there are more of either. */
function useObjectFindings({ object }: ObjectPlace, changes: readonly ChangeSummary[], version: string): Finding[] {
  const { cluster, kind, namespace, name } = object;
  const oldest = changes.reduce<string | undefined>(
    (first, { time }) => (first === undefined || time < first ? time : first),
    undefined,
  );
  const asked = oldest && new URLSearchParams({ cluster, kind, namespace, name, from: oldest, limit: '1000' });
  const { answer } = useAnswer<FindingList>(asked ? `/v1/findings?${asked}` : undefined, version);
  const { group } = object;
  return useMemo(() => (answer?.items ?? []).filter(({ subject }) => (subject.ref.group ?? group) === group), [answer, group]);
}
