/** Changes of everything that is recorded, by a filter: the way in for whoever has no finding to begin with. */
import type { VNode } from 'preact';
import { ChangeList } from './change-list.ts';
import { useChangePages } from './change-pages.ts';
import { html } from './html.ts';
import type { Live } from './live-data.ts';
import { QueryForm } from './query-form.ts';
import { hashOf } from './route-hash.ts';
import { useRowKeys } from './row-keys.ts';
import type { ChangeSummary } from './types.ts';

export function ChangesView({ query, live }: { query: string; live: Live }): VNode {
  const version = query === '' || live.version === '' ? live.version : 'asked';
  const pages = useChangePages('/v1/changes', query === '' ? {} : { q: query }, version);
  useRowKeys('.change-list .row');
  return html`<main class="changes-view list">
    <${QueryForm} query=${query} onQuery=${(text: string) => {
      location.hash = hashOf({ view: 'changes', query: text });
    }} placeholder="kind:Kafka  ns:streaming  path:spec.*  actor:alice*  value>3  after:7d  -type:ADDED" />
    <${ChangeList} pages=${pages} nowMs=${live.nowMs} withObject
      placeOf=${({ ref, seq }: ChangeSummary) => ({ view: 'object', object: ref, tab: 'history', at: String(seq) })}
      none=${query === '' ? 'Nothing is recorded yet.' : 'No change fits.'} />
  </main>`;
}
