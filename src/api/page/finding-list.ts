/** The list of findings with its query line. */
import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { EpisodeRow } from './episodes.ts';
import { html } from './html.ts';
import type { FindingsData, Live } from './live-data.ts';
import { ActorMark, Name, SeverityMark, StateMark, Time } from './marks.ts';
import { QUERY_KEYS, withTerm } from './query.ts';
import { hashOf } from './route-hash.ts';
import { namesActor, roundNumber, rowSentence, subjectName, visible, wholeNumber } from './words.ts';

interface ListProps {
  data: FindingsData;
  live: Live;
  query: string;
  onQuery: (query: string) => void;
  selected: number;
  onSelect: (index: number) => void;
}

export function FindingList({ data, live, query, onQuery, selected, onSelect }: ListProps): VNode {
  return html`<main class="list">
    <${QueryLine} query=${query} onQuery=${onQuery} live=${live} />
    ${data.message !== undefined && html`<p class="note attention" role="alert">${data.message}</p>`}
    ${
      data.rows.length > 0 &&
      html`<ol class="findings" aria-label="Findings, newest first">
        ${data.rows.map((row, i) => html`<${Row} key=${row.finding.id} row=${row} live=${live} here=${i === selected} onPoint=${() => onSelect(i)} />`)}
      </ol>`
    }
    ${data.rows.length === 0 && data.state === 'ready' && html`<${Nothing} data=${data} live=${live} query=${query} onQuery=${onQuery} />`}
    ${data.rows.length === 0 && data.state === 'loading' && html`<p class="note">Reading…</p>`}
    ${data.more !== undefined && html`<p class="note"><button onClick=${data.more}>Older findings</button> <small>${wholeNumber(data.searched)} looked through</small></p>`}
  </main>`;
}

const PRESETS = [
  ['Paged', 'paged'],
  ['Recorded', 'recorded'],
  ['All', undefined],
] as const;

function QueryLine({ query, onQuery, live }: { query: string; onQuery: (query: string) => void; live: Live }): VNode {
  const [text, setText] = useState(query);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(query), [query]);
  const state = /(?:^|\s)is:(\w+)/.exec(query)?.[1];
  const { stats } = live;
  const counts = {
    Paged: stats?.pages,
    Recorded: stats === undefined ? undefined : stats.findings - stats.pages,
    All: stats?.findings,
  };
  return html`<form
    class="query"
    role="search"
    onSubmit=${(event: Event) => {
      event.preventDefault();
      onQuery(text.trim());
      input.current?.blur();
    }}
  >
    <span class="ranges" role="group" aria-label="Which findings">
      ${PRESETS.map(
        ([label, value]) => html`<button
          type="button"
          class=${state === value ? 'here' : ''}
          aria-pressed=${state === value}
          onClick=${() => onQuery(withTerm(query, 'is', value))}
        >
          ${label} ${counts[label] !== undefined && html`<small>${roundNumber(counts[label])}</small>`}
        </button>`,
      )}
    </span>
    <label>
      <span class="hidden">Filter</span>
      <input
        id="query"
        ref=${input}
        value=${text}
        onInput=${(event: Event) => setText((event.target as HTMLInputElement).value)}
        placeholder=${`${QUERY_KEYS.slice(0, 6).join(':  ')}:  or any word`}
        spellcheck=${false}
        autocomplete="off"
      />
      <kbd>/</kbd>
    </label>
    ${query !== '' && html`<button type="button" class="quiet" onClick=${() => onQuery('')}>Clear</button>`}
  </form>`;
}

function Row({ row, live, here, onPoint }: { row: EpisodeRow; live: Live; here: boolean; onPoint: () => void }): VNode {
  const { finding, others } = row;
  const item = useRef<HTMLLIElement>(null);
  // With the render, not after the paint: on a busy machine Enter may follow k before that, and would open the row before.
  useLayoutEffect(() => {
    if (!here) return;
    item.current?.scrollIntoView({ block: 'nearest' });
    // The focus goes along, so that Enter opens this row and not the button pressed last; a person who types keeps it.
    if (!(document.activeElement instanceof HTMLInputElement)) item.current?.querySelector('a')?.focus({ preventScroll: true });
  }, [here]);
  const { kind, namespace } = finding.subject.ref;
  return html`<li ref=${item} class=${here ? 'here' : ''} aria-current=${here ? 'true' : undefined}>
    <a href=${hashOf({ view: 'finding', id: finding.id })} onClick=${onPoint}>
      <${SeverityMark} severity=${finding.severity} />
      <span class="object">
        <${Name} text=${subjectName(finding)} />
        <small>${visible(kind)}${namespace !== undefined && namespace !== '' && html` in <${Name} text=${namespace} />`}</small>
      </span>
      <span class="sentence">${visible(rowSentence(finding))}</span>
      <span class="once"><small>once in</small> <b>${roundNumber(finding.onceIn)}</b></span>
      ${namesActor(finding) ? html`<${ActorMark} actor=${finding.actor} />` : html`<span class="actor" />`}
      <span class="when"><${Time} time=${finding.time} nowMs=${live.nowMs} /><small><${Name} text=${finding.cluster} /></small></span>
      <${StateMark} finding=${finding} />
    </a>
    ${
      others > 0 &&
      html`<a class="others" href=${hashOf({ view: 'list', query: `episode:${finding.episode}` })}>
        ${wholeNumber(others)} more in this episode
      </a>`
    }
  </li>`;
}

interface NothingProps {
  data: FindingsData;
  live: Live;
  query: string;
  onQuery: (query: string) => void;
}

function Nothing({ data, live, query, onQuery }: NothingProps): VNode {
  const { stats, coverage } = live;
  const watched = coverage.filter((kind) => kind.state === 'watched').length;
  const known = coverage.filter((kind) => kind.state !== 'gone').length;
  const share = known === 0 ? '' : `, coverage ${Math.floor((watched / known) * 100)} %`;
  const since =
    stats?.first === undefined
      ? ''
      : ` since ${new Date(stats.first).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })}`;
  const plain = query === '' || query === 'is:paged';
  const recorded = stats === undefined ? 0 : stats.findings - stats.pages;
  return html`<div class="nothing">
    <svg viewBox="0 0 64 40" aria-hidden="true"><path d="M2 30q7.5-7 15 0t15 0 15 0 15 0M8 37q6-5 12 0t12 0 12 0 12 0" /><circle cx="32" cy="12" r="7" /></svg>
    <h2>${plain ? `Nothing odd${since}` : 'No finding matches'}</h2>
    <p>
      ${
        plain
          ? `${wholeNumber(stats?.changes ?? 0)} changes seen${share}.`
          : `${wholeNumber(data.searched)} findings looked through for this query.`
      }
    </p>
    ${
      plain && query === 'is:paged' && recorded > 0
        ? html`<p><button onClick=${() => onQuery('')}>See ${roundNumber(recorded)} recorded findings that were not worth a page</button></p>`
        : !plain && html`<p><button onClick=${() => onQuery('')}>Show all findings</button></p>`
    }
  </div>`;
}
