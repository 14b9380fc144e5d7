/** The whole state of an object at a time, and the same as a file for kubectl. */
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { fieldName } from '../../domain/field-path.ts';
import type { JsonObject } from '../../domain/json.ts';
import { CopyButton } from './copy-button.ts';
import { html } from './html.ts';
import { useAnswer } from './live-data.ts';
import { isSeq } from './revisions.ts';
import { hashOf, type ObjectName, objectSegments } from './route-hash.ts';
import type { ObjectState as State } from './types.ts';
import { visible, wholeNumber } from './words.ts';
import { diffLines } from './yaml-diff.ts';

const LINES_SHOWN = 1_000;

interface StateProps {
  object: ObjectName;
  /** A change number or a time. */
  at: string;
  newest: number;
  version: string;
}

export function ObjectState({ object, at, newest, version }: StateProps): VNode {
  const asked = new URLSearchParams([
    [isSeq(at) ? 'seq' : 'at', at],
    ['manifest', 'true'],
  ]);
  const { answer: then, error } = useAnswer<State>(
    `/v1/objects/${objectSegments(object)}/state?${asked}`,
    isSeq(at) ? 'recorded' : version,
  );
  const [all, setAll] = useState(false);
  useEffect(() => setAll(false), [at]);
  const lines = useMemo(() => (then === undefined ? [] : diffLines(then.state as JsonObject, then.state as JsonObject)), [then]);
  if (then === undefined && error !== undefined) return html`<p class="note attention" role="alert">${error.message}</p>`;
  if (then === undefined) return html`<div class="state-text loading" />`;
  const { manifest, seq } = then;
  const since =
    seq === undefined || seq === newest ? undefined : hashOf({ view: 'object', object, tab: 'history', from: String(seq) });
  return html`<div class="state-text">
    <p class="state-head">
      <span>as <a href=${hashOf({ view: 'object', object, tab: 'history', at: String(seq) })}>change ${seq}</a> left it${since !== undefined && html`; <a href=${since}>what changed since</a>`}</span>
    </p>
    ${manifest !== undefined && html`<${ForApply} manifest=${manifest} />`}
    <div class="lines" role="region" aria-label="State" tabindex="0">
      ${(all ? lines : lines.slice(0, LINES_SHOWN)).map(({ indent, text }) => html`<div class="line"><code>${' '.repeat(indent)}${withMasks(text)}</code></div>`)}
    </div>
    ${!all && lines.length > LINES_SHOWN && html`<p class="note"><button onClick=${() => setAll(true)}>${wholeNumber(lines.length - LINES_SHOWN)} more lines</button></p>`}
  </div>`;
}

/** Masks stand out: what is there is not what the cluster had. */
function withMasks(text: string): (string | VNode)[] {
  return text
    .split(/(masked:[0-9a-f]{16})/)
    .map((piece) =>
      piece.startsWith('masked:')
        ? html`<mark title="Kept as a keyed hash: the value was never recorded">${piece}</mark>`
        : piece,
    );
}

function ForApply({ manifest: { yaml, masked, rounded, leftOut } }: { manifest: NonNullable<State['manifest']> }): VNode {
  const secrets = `${wholeNumber(masked.length)} masked value${masked.length === 1 ? '' : 's'}`;
  return html`<div class="for-apply">
    <${CopyButton} text=${yaml} label=${masked.length === 0 ? 'Copy for kubectl apply' : `Copy, with ${secrets} to put in`} />
    <small>${leftOut.length > 0 && 'without '}${leftOut.map((path) => visible(fieldName(path))).join(', ')}</small>
    ${
      masked.length > 0 &&
      html`<p class="attention">${secrets}: secrets are never recorded. The file has <code>@MASKED</code> in their place and kubectl refuses it until each is put in:${' '}
        ${masked.map((path, i) => html`${i > 0 && ', '}<code>${visible(fieldName(path))}</code>`)}</p>`
    }
    ${
      rounded.length > 0 &&
      html`<p class="attention">Whole numbers beyond 2^53 were still recorded rounded then: kubectl refuses the file until <code>@ROUNDED</code> is taken out before each, with the true number behind it:${' '}
        ${rounded.map((path, i) => html`${i > 0 && ', '}<code>${visible(fieldName(path))}</code>`)}</p>`
    }
    <details><summary>The file</summary><pre>${visible(yaml)}</pre></details>
  </div>`;
}
