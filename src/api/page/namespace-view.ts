/** A namespace between two times: what changed of it, object by object, and what was there. */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useChangePages } from './change-pages.ts';
import { damagedWords, fieldWords, findingsBySeq } from './change-words.ts';
import { type ChangedObject, changedObjects } from './changed-objects.ts';
import { CopyButton } from './copy-button.ts';
import { useWindowStart } from './first-in-window.ts';
import { html } from './html.ts';
import { shellWord } from './kubectl.ts';
import { type Live, useAnswer } from './live-data.ts';
import { ActorMark, Clock, Name, SeverityMark } from './marks.ts';
import { ObjectsAt } from './objects-at.ts';
import { QueryForm } from './query-form.ts';
import { OneChange, TwoRevisions } from './revision-view.ts';
import { hashOf, type NamespacePlace } from './route-hash.ts';
import { useRowKeys } from './row-keys.ts';
import { Moment } from './time-input.ts';
import type { ChangeSummary, Finding, FindingList } from './types.ts';
import { duration, visible, wholeNumber } from './words.ts';

const MINUTE = 60_000;
const SPANS = [
  ['10 min', 10 * MINUTE],
  ['1 h', 60 * MINUTE],
  ['1 d', 1_440 * MINUTE],
  ['7 d', 10_080 * MINUTE],
] as const;
const SPAN_DEFAULT = 1_440 * MINUTE;

export function NamespaceView({ place, live }: { place: NamespacePlace; live: Live }): VNode {
  // Now is when the view was opened: a window that moves on by itself would take away what someone reads.
  const opened = useRef(0);
  if (opened.current === 0) opened.current = live.nowMs;
  if (opened.current === 0) return html`<main class="finding"><p class="note">Reading…</p></main>`;
  const toMs = place.to === undefined ? opened.current : Date.parse(place.to);
  const fromMs = place.from === undefined ? toMs - SPAN_DEFAULT : Math.min(Date.parse(place.from), toMs);
  return html`<${Between} key=${`${place.cluster}/${place.namespace}`} place=${place} live=${live} from=${new Date(fromMs).toISOString()} to=${new Date(toMs).toISOString()} />`;
}

interface BetweenProps {
  place: NamespacePlace;
  live: Live;
  from: string;
  to: string;
}

function Between({ place, live, from, to }: BetweenProps): VNode {
  const { cluster, namespace, query = '' } = place;
  useRowKeys('.objects summary');
  useEffect(() => window.scrollTo(0, 0), []);
  // After `from`: what it was then is what the rest is compared with.
  const after = new Date(Date.parse(from) + 1).toISOString();
  const asked = { cluster, namespace, from: after, to, limit: '1000', ...(query === '' ? {} : { q: query }) };
  const pages = useChangePages('/v1/changes', asked, 'asked');
  const during = new URLSearchParams({ cluster, namespace, from: after, to, limit: '1000' });
  const { answer: found } = useAnswer<FindingList>(`/v1/findings?${during}`, 'asked');
  const bySeq = findingsBySeq(found?.items ?? []);
  const objects = changedObjects(pages.changes);
  const edited = objects.filter(({ what }) => what !== 'reported on');
  const reported = objects.filter(({ what }) => what === 'reported on');
  const go = (more: Partial<NamespacePlace>) => {
    location.hash = hashOf({ ...place, from, to, ...more });
  };
  const rows = (some: ChangedObject[]) =>
    html`<ol class="objects">${some.map((each) => html`<${Row} key=${`${each.key} ${from} ${to}`} changed=${each} findings=${bySeq} from=${from} to=${to} whole=${query === '' && pages.more === undefined} whoVersion=${live.whoVersion} nowMs=${live.nowMs} />`)}</ol>`;
  return html`<main class="namespace-view finding">
    <div class="head"><h1><span><${Name} text=${namespace === '' ? 'Cluster-scoped objects' : namespace} /> <small>${namespace === '' ? 'of' : 'namespace of'} ${visible(cluster)}</small></span></h1></div>
    <section class="panel">
      <${Window} from=${from} to=${to} onWindow=${(window: { from: string; to: string }) => go(window)} />
      <${QueryForm} query=${query} onQuery=${(text: string) => go({ query: text })} placeholder="kind:Kafka  path:spec.*  -actor:*controller*" />
    </section>
    <section class="panel" aria-labelledby="changed">
      <h2 id="changed">What changed ${pages.state === 'ready' && html`<small>${countWords(objects, pages.changes.length, pages.more !== undefined)}</small>`}</h2>
      ${pages.message !== undefined && html`<p class="note attention" role="alert">${pages.message}</p>`}
      ${pages.damaged > 0 && html`<p class="note attention">${damagedWords(pages.damaged)}</p>`}
      ${pages.state === 'loading' && html`<p class="note">Reading…</p>`}
      ${rows(edited)}
      ${reported.length > 0 && html`<details class="reported" open=${edited.length === 0}><summary>${wholeNumber(reported.length)} whose status alone moved</summary>${rows(reported)}</details>`}
      ${pages.state === 'ready' && objects.length === 0 && pages.more === undefined && html`<p class="note">Nothing ${query === '' ? 'changed' : 'that fits changed'} in these ${duration(Date.parse(to) - Date.parse(from))}.</p>`}
      ${pages.more !== undefined && html`<p class="note"><button onClick=${pages.more}>Older changes of that time</button></p>`}
    </section>
    <section class="panel" aria-labelledby="there">
      <${ObjectsAt} cluster=${cluster} namespace=${namespace} from=${from} to=${to} nowMs=${live.nowMs} />
      <p class="command"><span class="label">All of it as YAML for kubectl, as it was at the end of this time; @MASKED stands where a secret has to be put in</span><code>${atCommand(cluster, namespace, to)}</code> <${CopyButton} quiet text=${atCommand(cluster, namespace, to)} label="copy" /></p>
    </section>
  </main>`;
}

function atCommand(cluster: string, namespace: string, to: string): string {
  return `crowsnest at ${to} --cluster ${shellWord(cluster)}${namespace === '' ? '' : ` --namespace ${shellWord(namespace)}`}`;
}

function countWords(objects: readonly ChangedObject[], changes: number, more: boolean): string {
  if (changes === 0) return '';
  return `${wholeNumber(objects.length)} object${objects.length === 1 ? '' : 's'} in ${more ? 'the newest ' : ''}${wholeNumber(changes)} change${changes === 1 ? '' : 's'}`;
}

function Window({
  from,
  to,
  onWindow,
}: {
  from: string;
  to: string;
  onWindow: (window: { from: string; to: string }) => void;
}): VNode {
  const [typed, setTyped] = useState<{ from?: string | undefined; to?: string | undefined }>({});
  useEffect(() => setTyped({}), [from, to]);
  const span = Date.parse(to) - Date.parse(from);
  const move = (by: number) =>
    onWindow({ from: new Date(Date.parse(from) + by).toISOString(), to: new Date(Date.parse(to) + by).toISOString() });
  const show = (event: Event) => {
    event.preventDefault();
    const ends = [typed.from ?? from, typed.to ?? to].sort() as [string, string];
    onWindow({ from: ends[0], to: ends[1] });
  };
  return html`<form class="window" onSubmit=${show}>
    <button type="button" onClick=${() => move(-span)} title="As long before">‹</button>
    <${Moment} label="From" value=${from} onInput=${(time: string | undefined) => setTyped({ ...typed, from: time })} />
    <${Moment} label="To" value=${to} onInput=${(time: string | undefined) => setTyped({ ...typed, to: time })} />
    <button disabled=${typed.from === undefined && typed.to === undefined}>Show</button>
    <button type="button" onClick=${() => move(span)} title="As long after">›</button>
    <span class="ranges" role="group" aria-label="How long before the end">
      ${SPANS.map(([label, ms]) => html`<button type="button" class=${ms === span ? 'here' : ''} aria-pressed=${ms === span} onClick=${() => onWindow({ from: new Date(Date.parse(to) - ms).toISOString(), to })}>${label}</button>`)}
    </span>
  </form>`;
}

interface RowProps {
  changed: ChangedObject;
  findings: Map<number, Finding[]>;
  from: string;
  to: string;
  /** Whether all changes of the window are loaded: a filter or a further page may hold the object's creation. */
  whole: boolean;
  whoVersion: string;
  nowMs: number;
}

const SEVERITIES: readonly Finding['severity'][] = ['critical', 'warning', 'info'];
/** The worst ones: the rest is on the object's page. */
const FINDINGS_SHOWN = 2;

function Row({ changed, findings, from, to, whole, whoVersion, nowMs }: RowProps): VNode {
  const [open, setOpen] = useState(false);
  const { ref, changes, what, actors, paths, wasThere } = changed;
  const newest = changes[0];
  if (newest === undefined) return html`<li />`;
  const found = changes
    .flatMap(({ seq }) => findings.get(seq) ?? [])
    .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  const history = {
    view: 'object',
    object: ref,
    tab: 'history',
    at: String(newest.seq),
    ...(whole && wasThere && changes.length > 1 ? { from } : {}),
  } as const;
  const fields = paths.length === 0 && what !== 'changed' ? '' : `${wasThere ? '' : 'then '}${fieldWords(paths)}`;
  return html`<li class=${what.split(' ')[0]}>
    <details onToggle=${(event: Event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}>
      <summary>
        <span class="object"><${Name} text=${ref.name} /><small>${visible(ref.kind)}</small></span>
        <span class="what"><b class=${`happened ${what.split(' ')[0]}`}>${what}</b> ${fields}</span>
        <span class="found">${found.slice(0, FINDINGS_SHOWN).map((finding) => html`<a href=${hashOf({ view: 'finding', id: finding.id })} title=${visible(finding.summary)}><${SeverityMark} severity=${finding.severity} /></a>`)}</span>
        <span class="who-list">${actors.slice(0, 2).map((actor) => html`<${ActorMark} actor=${actor} />`)}${actors.length > 2 && html`<small>and ${actors.length - 2} more</small>`}</span>
        <span class="when"><${Clock} time=${newest.time} nowMs=${nowMs} />${changes.length > 1 && html`<small>${wholeNumber(changes.length)} changes</small>`}</span>
      </summary>
      ${
        open &&
        html`<div class="opened">
          ${
            wasThere && changes.length > 1 && newest.type !== 'DELETED'
              ? html`<${SinceThen} changed=${changed} from=${from} whole=${whole} nowMs=${nowMs} />`
              : html`<${OneChange} change=${newest} findings=${findings.get(newest.seq) ?? []} whoVersion=${whoVersion} nowMs=${nowMs} />`
          }
          <p class="note"><a href=${hashOf(history)}>Its changes</a> · <a href=${hashOf({ view: 'object', object: ref, tab: 'blame', at: String(newest.seq) })}>who set what</a> · <a href=${hashOf({ view: 'object', object: ref, tab: 'state', at: to })}>its state then</a></p>
        </div>`
      }
    </details>
  </li>`;
}

/** From the beginning of the window, or from the object's first change where it was not there yet, to the newest change that fits. */
function SinceThen({
  changed: { ref, changes },
  from,
  whole,
  nowMs,
}: Pick<RowProps, 'changed' | 'from' | 'whole' | 'nowMs'>): VNode {
  const newest = changes[0] as ChangeSummary;
  const { start, message } = useWindowStart({ object: ref, from, to: newest.time, needed: !whole });
  if (message !== undefined) return html`<p class="note attention" role="alert">${message}</p>`;
  if (start === undefined) return html`<p class="note">Reading…</p>`;
  const { first } = start;
  const since = html`<${Clock} time=${first?.time ?? from} nowMs=${nowMs} />`;
  return html`<${TwoRevisions} object=${ref} from=${start.from} to=${String(newest.seq)} between=${whole ? changes.length : undefined} words=${[first === undefined ? since : html`its first change, ${since}`, html`<${Clock} time=${newest.time} nowMs=${nowMs} />`]} />`;
}
