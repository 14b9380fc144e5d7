import type { VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { html } from './html.ts';
import { KEY_HELP } from './keys.ts';

const QUERY_HELP: readonly (readonly [string, string])[] = [
  ['kind:Kafka  ns:streaming  name:orders', 'one object, or all of a kind or namespace'],
  ['is:paged  is:recorded  is:learning', 'what was decided'],
  ['severity:critical  score:4', 'how bad; at least this score'],
  ['actor:flux  detector:new-value', 'by whom, found by what'],
  ['from:2026-08-01  to:2026-08-08', 'when; dragging over the strip does the same'],
  ['replicas', 'any word of the sentence, the reasons or the names'],
];

/** Of the grammar that the API and the command line have too. */
const CHANGE_HELP: readonly (readonly [string, string])[] = [
  ['kind:Kafka  path:spec.*  value>3', 'fields that changed, and to what'],
  ['actor:alice*  -type:ADDED  after:7d', 'by whom; a minus excludes; since when'],
];

export function Help({ onClose }: { onClose: () => void }): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return html`<dialog ref=${dialog} class="help" onClose=${onClose} onClick=${(event: Event) => event.target === dialog.current && onClose()}>
    <h2>Keys</h2>
    <dl>
      ${KEY_HELP.map(([keys, what]) => html`<div><dt>${keys.split('  ').map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${what}</dd></div>`)}
    </dl>
    <h2>The query line</h2>
    <dl class="wide">
      ${QUERY_HELP.map(([terms, what]) => html`<div><dt><code>${terms}</code></dt><dd>${what}</dd></div>`)}
    </dl>
    <h2>The same over changes</h2>
    <dl class="wide">
      ${CHANGE_HELP.map(([terms, what]) => html`<div><dt><code>${terms}</code></dt><dd>${what}</dd></div>`)}
    </dl>
    <p class="note">The query is part of the address, so a view can be bookmarked and sent on.</p>
    <form method="dialog"><button autofocus>Close</button></form>
  </dialog>`;
}
