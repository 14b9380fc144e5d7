/** What an object is, how long it has been watched, and where else to look. */
import type { VNode } from 'preact';
import { html } from './html.ts';
import { Name, Time } from './marks.ts';
import { hashOf, type ObjectName, TABS, type Tab } from './route-hash.ts';
import type { ObjectSummary } from './types.ts';
import { visible, wholeNumber } from './words.ts';

export function ObjectHead({
  object,
  summary,
  nowMs,
}: {
  object: ObjectName;
  summary: ObjectSummary | undefined;
  nowMs: number;
}): VNode {
  const { cluster, kind, namespace, name, group } = object;
  const version = summary?.ref.version;
  const around = hashOf({ view: 'namespace', cluster, namespace });
  const word = (key: string, text: string) => `${key}:${/\s/.test(text) ? `"${text}"` : text}`;
  const query = [
    word('cluster', cluster),
    word('kind', kind),
    ...(namespace === '' ? [] : [word('ns', namespace)]),
    word('name', name),
  ];
  return html`<div class="head">
    <h1><span><${Name} text=${name} />
      <small title=${group === '' ? version : `${group}/${version ?? ''}`}>${visible(kind)}${namespace !== '' && html` in <a href=${around}><${Name} text=${namespace} /></a>`}</small>
    </span></h1>
    <dl class="facts">
      <div><dt>Cluster</dt><dd><${Name} text=${cluster} />${namespace === '' && html` <small><a href=${around}>cluster-scoped</a></small>`}</dd></div>
      ${
        summary !== undefined &&
        html`<div><dt>Recorded since</dt><dd><${Time} time=${summary.first} nowMs=${nowMs} /></dd></div>
          <div><dt>${summary.deleted ? 'Deleted' : 'Last change'}</dt><dd class=${summary.deleted ? 'attention' : ''}><${Time} time=${summary.last} nowMs=${nowMs} /></dd></div>
          <div><dt>Changes</dt><dd>${wholeNumber(summary.changes)}${summary.heartbeats > 0 && html` <small>${wholeNumber(summary.heartbeats)} more updates changed nothing</small>`}</dd></div>`
      }
    </dl>
    <p class="links"><a href=${hashOf({ view: 'list', query: query.join(' ') })}>All findings about this object</a></p>
  </div>`;
}

const TAB_WORDS: Record<Tab, readonly [key: string, text: string]> = {
  history: ['h', 'Changes'],
  blame: ['b', 'Who set what'],
  state: ['s', 'State at a time'],
};

export function Tabs({ object, tab, at }: { object: ObjectName; tab: Tab; at: string | undefined }): VNode {
  return html`<nav class="tabs" aria-label="Views of this object">
    ${TABS.map((each) => {
      const [key, text] = TAB_WORDS[each];
      const place = { view: 'object', object, tab: each, ...(at === undefined ? {} : { at }) } as const;
      return html`<a href=${hashOf(place)} class=${each === tab ? 'here' : ''} aria-current=${each === tab ? 'page' : undefined}>${text} <kbd>${key}</kbd></a>`;
    })}
  </nav>`;
}
