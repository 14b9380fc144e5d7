/** Which objects a namespace held at one of two times. */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { apiGet, messageOf } from './api-client.ts';
import { html } from './html.ts';
import { Name, Time } from './marks.ts';
import { hashOf } from './route-hash.ts';
import type { ObjectList, ObjectSummary } from './types.ts';
import { visible, wholeNumber } from './words.ts';

const PAGE = '200';

interface AtProps {
  cluster: string;
  namespace: string;
  from: string;
  to: string;
  nowMs: number;
}

export function ObjectsAt({ cluster, namespace, from, to, nowMs }: AtProps): VNode {
  const [end, setEnd] = useState<'from' | 'to'>('to');
  const at = end === 'from' ? from : to;
  const of = JSON.stringify([cluster, namespace, at]);
  const [held, setHeld] = useState<{ of: string; items: ObjectSummary[]; next: string | undefined }>();
  const [failure, setFailure] = useState<string>();
  const read = (items: ObjectSummary[], position: string | undefined, signal?: AbortSignal) =>
    apiGet<ObjectList>('/v1/objects', { cluster, namespace, at, limit: PAGE, continue: position }, signal).then(
      (page) => {
        // More of what is not looked at any longer comes too late.
        setHeld((now) =>
          position !== undefined && now?.of !== of ? now : { of, items: [...items, ...page.items], next: page.metadata.continue },
        );
        setFailure(undefined);
      },
      (error: unknown) => {
        if (signal?.aborted !== true) setFailure(messageOf(error));
      },
    );
  useEffect(() => {
    const ended = new AbortController();
    void read([], undefined, ended.signal);
    return () => ended.abort();
  }, [cluster, namespace, at]);
  const ready = held?.of === of;
  const items = ready ? held.items : [];
  const kinds = Map.groupBy(items, ({ ref }) => ref.kind);
  return html`<h2 id="there">What was there ${ready && html`<small>${wholeNumber(items.length)}${held.next !== undefined && '+'} object${items.length === 1 ? '' : 's'}</small>`}
      <span class="ranges" role="group" aria-label="When">
        ${(['from', 'to'] as const).map((each) => html`<button class=${each === end ? 'here' : ''} aria-pressed=${each === end} onClick=${() => setEnd(each)}>${each === 'from' ? 'at the beginning' : 'at the end'}</button>`)}
      </span>
    </h2>
    ${failure !== undefined && html`<p class="note attention" role="alert">${failure}</p>`}
    ${!ready && failure === undefined && html`<p class="note">Reading…</p>`}
    ${ready && items.length === 0 && html`<p class="note">Nothing that is recorded.</p>`}
    <dl class="there">
      ${[...kinds].map(
        ([kind, some]) => html`<div><dt>${visible(kind)} <small>${wholeNumber(some.length)}</small></dt>
          <dd>${some.map(({ ref }) => html`<a href=${hashOf({ view: 'object', object: ref, tab: 'state', at })}><${Name} text=${ref.name} /></a> `)}</dd></div>`,
      )}
    </dl>
    ${ready && held.next !== undefined && html`<p class="note"><button onClick=${() => read(items, held.next)}>More objects</button> <small><${Time} time=${at} nowMs=${nowMs} /></small></p>`}`;
}
