/** One finding: what changed, why that is odd, what can be done. */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { DiffView } from './diff-view.ts';
import { Examples } from './examples.ts';
import { FindingFacts } from './finding-facts.ts';
import { wholeRef } from './finding-places.ts';
import { html } from './html.ts';
import { useKeys } from './keys.ts';
import { objectPath } from './kubectl.ts';
import { type FindingsData, type Live, useAnswer } from './live-data.ts';
import { NextSteps } from './next-steps.ts';
import { ObjectEvents } from './object-events.ts';
import { Reasons } from './reasons.ts';
import { hashOf } from './route-hash.ts';
import { SeriesChart } from './series-chart.ts';
import { Timeline } from './timeline.ts';
import type { ChangeList, Finding, FindingList, KubeEventList } from './types.ts';
import { VerdictBox } from './verdict-box.ts';

interface ViewProps {
  id: string;
  /** A change of the object to show in place of the finding's own. */
  seq: number | undefined;
  live: Live;
  list: FindingsData;
  listQuery: string;
  onQuery: (query: string) => void;
}

export function FindingView({ id, seq, live, list, listQuery, onQuery }: ViewProps): VNode {
  const { answer: finding, error } = useAnswer<Finding>(`/v1/findings/${encodeURIComponent(id)}`, live.version);
  useEffect(() => window.scrollTo(0, 0), [id]);
  // What is open stays open, with what somebody types in it, while one question fails; the header says that the service is away.
  if (finding === undefined && error !== undefined) {
    return html`<main class="finding"><p class="note attention" role="alert">${error.message}</p><p class="note"><a href="#/">All findings</a></p></main>`;
  }
  if (finding === undefined) return html`<main class="finding"><p class="note">Reading…</p></main>`;
  return html`<${Loaded} key=${finding.id} finding=${finding} seq=${seq} live=${live} list=${list} listQuery=${listQuery} onQuery=${onQuery} />`;
}

function Loaded({ finding, seq: asked, live, list, listQuery, onQuery }: Omit<ViewProps, 'id'> & { finding: Finding }): VNode {
  const { subject } = finding;
  const ref = wholeRef(finding);
  const ownSeq = subject.type === 'change' ? subject.seq : undefined;
  const [seq, setSeq] = useState(asked ?? ownSeq);
  useEffect(() => setSeq(asked ?? ownSeq), [asked]);
  const toOwn = () => {
    setSeq(ownSeq);
    if (asked !== undefined) location.hash = hashOf({ view: 'finding', id: finding.id });
  };
  const history = useAnswer<ChangeList>(ref === undefined ? undefined : `${objectPath(ref)}/history?limit=500`, live.version);
  const named = ref === undefined || ref.name === '' ? undefined : `${objectPath(ref)}/events?limit=50`;
  const events = useAnswer<KubeEventList>(named, live.version);
  const about = new URLSearchParams({ kind: subject.ref.kind, limit: '200' });
  if (subject.ref.namespace !== undefined) about.set('namespace', subject.ref.namespace);
  if (subject.ref.name !== undefined) about.set('name', subject.ref.name);
  const others = useAnswer<FindingList>(`/v1/findings?${about}`, live.version);
  const changes = history.answer?.items ?? [];
  const step = (by: number) => {
    // Newest first: going back in time is going down the list.
    const index = changes.findIndex((change) => change.seq === seq);
    const next = changes[index < 0 ? 0 : index - by];
    if (next !== undefined) setSeq(next.seq);
  };
  useKeys({ '[': () => step(-1), ']': () => step(1) });
  const index = list.rows.findIndex((row) => row.finding.id === finding.id);

  return html`<main class="finding">
    <p class="crumbs">
      <a href=${hashOf({ view: 'list', query: listQuery })}>Findings</a>
      ${index >= 0 && html`<span>${index + 1} of ${list.rows.length}${list.more !== undefined && '+'} <kbd>j</kbd> <kbd>k</kbd></span>`}
    </p>
    <${FindingFacts} finding=${finding} live=${live} onQuery=${onQuery} />
    <div class="columns">
      <section class="what" aria-labelledby="what">
        <h2 id="what">What changed?</h2>
        ${subject.type === 'series' && html`<${SeriesChart} finding=${finding} live=${live} />`}
        ${subject.type === 'silence' && html`<p class="silence">A change that usually comes did not come.${subject.actor !== undefined && html` It is usually made by <b>${subject.actor}</b>.`}</p>`}
        ${seq !== undefined && html`<${DiffView} seq=${seq} own=${seq === ownSeq} finding=${finding} live=${live} onBack=${toOwn} />`}
        ${history.answer === undefined && history.error !== undefined && html`<p class="note" role="alert">${history.error.message}</p>`}
        ${
          ref !== undefined &&
          (history.answer !== undefined || history.error === undefined) &&
          html`<${Timeline}
            changes=${history.answer?.items}
            whole=${ref.name === '' ? undefined : hashOf({ view: 'object', object: ref, tab: 'history', ...(seq === undefined ? {} : { at: String(seq) }) })}
            findings=${others.answer?.items ?? []}
            finding=${finding}
            seq=${seq}
            onSeq=${setSeq}
            more=${history.answer?.metadata.continue !== undefined}
          />`
        }
        <${ObjectEvents} events=${events.answer?.items ?? []} nowMs=${live.nowMs} />
      </section>
      <div class="side">
        <section aria-labelledby="why">
          <h2 id="why">Why is that odd?</h2>
          <${Reasons} finding=${finding} />
          <${Examples} finding=${finding} shown=${seq} nowMs=${live.nowMs} onShow=${setSeq} />
        </section>
        <section aria-labelledby="next">
          <h2 id="next">What can I do?</h2>
          <${VerdictBox} finding=${finding} live=${live} />
          <${NextSteps} finding=${finding} objectRef=${ref} coverage=${live.coverage} />
        </section>
      </div>
    </div>
  </main>`;
}
