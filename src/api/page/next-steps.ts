import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { html } from './html.ts';
import { commandsFor, curlCommand, objectPath } from './kubectl.ts';
import type { Coverage, Finding, ObjectRef } from './types.ts';

interface StepsProps {
  finding: Finding;
  objectRef: ObjectRef | undefined;
  coverage: Coverage[];
}

/** For now: where to look. Nothing here changes the cluster. */
export function NextSteps({ finding, objectRef, coverage }: StepsProps): VNode {
  const { subject } = finding;
  const api = [
    { what: 'This finding as JSON', text: curlCommand(location.origin, `/v1/findings/${encodeURIComponent(finding.id)}`) },
    ...(subject.type === 'change'
      ? [{ what: 'The change with both states', text: curlCommand(location.origin, `/v1/changes/${subject.seq}?states=both`) }]
      : []),
    ...(objectRef === undefined
      ? []
      : [{ what: 'All its changes', text: curlCommand(location.origin, `${objectPath(objectRef)}/history`) }]),
  ];
  const commands = objectRef === undefined ? [] : commandsFor(objectRef, coverage);
  return html`<div class="steps">
    ${commands.slice(0, 2).map((command) => html`<${CommandLine} ...${command} />`)}
    ${commands.length > 2 && html`<details><summary>More commands</summary>${commands.slice(2).map((command) => html`<${CommandLine} ...${command} />`)}</details>`}
    <details>
      <summary>The same data over the API</summary>
      ${api.map((command) => html`<${CommandLine} ...${command} />`)}
      <p class="note"><a href="/openapi.json">openapi.json</a> describes every resource.</p>
    </details>
  </div>`;
}

function CommandLine({ what, text }: { what: string; text: string }): VNode {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
    setTimeout(() => setCopied(false), 1_500);
  };
  return html`<div class="command">
    <span class="label">${what}</span>
    <code>${text}</code>
    <button class="quiet" onClick=${copy} aria-label=${`Copy: ${what}`}>${copied ? 'copied' : 'copy'}</button>
  </div>`;
}
