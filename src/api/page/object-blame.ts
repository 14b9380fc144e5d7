/** Each line of a state with who set it last: when, how sure, the change, and how the field came to be what it is. */
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { fieldName, genericPath } from '../../domain/field-path.ts';
import type { JsonObject } from '../../domain/json.ts';
import { AGES, type BlameLine, blameLines } from './blame-lines.ts';
import { filterTerm } from './change-words.ts';
import { html } from './html.ts';
import { useAnswer } from './live-data.ts';
import { ActorMark, Time } from './marks.ts';
import { isSeq } from './revisions.ts';
import { hashOf, type ObjectName, objectSegments } from './route-hash.ts';
import type { Blame, ObjectState } from './types.ts';
import { visible } from './words.ts';

const LINES_SHOWN = 500;

interface BlameProps {
  object: ObjectName;
  /** A change number or a time; absent for the newest. */
  at: string | undefined;
  version: string;
  /** Moves when it becomes known of recorded changes who made them. */
  whoVersion: string;
  nowMs: number;
}

export function ObjectBlame({ object, at, version, whoVersion, nowMs }: BlameProps): VNode {
  const path = `/v1/objects/${objectSegments(object)}`;
  const asked = at === undefined ? '' : `?${new URLSearchParams({ at })}`;
  // Of a revision that is named only who made it may change; what a time comes to may, until all that came before it is recorded.
  const { answer: blame, error } = useAnswer<Blame>(
    `${path}/blame${asked}`,
    at !== undefined && isSeq(at) ? whoVersion : version && `${version}/${whoVersion}`,
  );
  const { answer: then } = useAnswer<ObjectState>(blame === undefined ? undefined : `${path}/state?seq=${blame.seq}`, 'recorded');
  const [all, setAll] = useState(false);
  useEffect(() => setAll(false), [at]);
  const lines = useMemo(
    () => (blame === undefined || then?.seq !== blame.seq ? undefined : blameLines(then.state as JsonObject, blame)),
    [blame, then],
  );
  if (blame === undefined && error !== undefined) return html`<p class="note attention" role="alert">${error.message}</p>`;
  if (lines === undefined || blame === undefined) return html`<div class="blame loading" />`;
  const shown = all ? lines : lines.slice(0, LINES_SHOWN);
  const oldest = blame.changes.at(-1);
  return html`<div class="blame">
    <p class="legend"><span>oldest${oldest !== undefined && html` <${Time} time=${oldest.time} nowMs=${nowMs} />`}</span>
      <span class="ramp" aria-hidden="true">${Array.from({ length: AGES }, (_, i) => html`<i class=${`age-${i}`} />`)}</span>
      <span>newest${blame.changes[0] !== undefined && html` <${Time} time=${blame.changes[0].time} nowMs=${nowMs} />`}</span>
    </p>
    <div class="lines" role="region" aria-label="Who set what" tabindex="0">
      ${shown.map((line) => html`<${Line} line=${line} object=${object} nowMs=${nowMs} />`)}
    </div>
    ${shown.length < lines.length && html`<p class="note"><button onClick=${() => setAll(true)}>${lines.length - shown.length} more lines</button></p>`}
    ${lines.some(({ orEarlier }) => orEarlier) && html`<p class="note">≤: by this change or an earlier one, which is no longer kept one by one.</p>`}
  </div>`;
}

function Line({ line, object, nowMs }: { line: BlameLine; object: ObjectName; nowMs: number }): VNode {
  const { by, begins, age, orEarlier, gone, indent, text, path } = line;
  const field = { view: 'object', object, tab: 'history', query: filterTerm('path', genericPath(path)) } as const;
  return html`<div class=${`line ${begins ? 'begins' : ''}`}>
    <i class=${age === undefined ? '' : `age-${age}`} />
    <span class="by">
      ${gone !== undefined && begins && html`<span title="When this change was and who made it is not known any more">${gone}, no longer kept</span>`}
      ${
        by !== undefined &&
        begins &&
        html`<${Time} time=${by.time} nowMs=${nowMs} /> <${ActorMark} actor=${by.actor} />
          <a class="seq" href=${hashOf({ view: 'object', object, tab: 'history', at: String(by.seq) })} title="What this change did">${orEarlier === true && '≤ '}${by.seq}</a>
          ${by.type === 'MODIFIED' && by.previous !== undefined && html`<a class="before" href=${hashOf({ view: 'object', object, tab: 'blame', at: String(by.previous) })} title="Who had set it before this change">before</a>`}`
      }
    </span>
    <code>${' '.repeat(indent)}${text}</code>
    ${by !== undefined && by.type !== 'ADDED' && html`<a class="field" href=${hashOf(field)} title=${`All changes of ${visible(fieldName(genericPath(path)))}`}>changes</a>`}
  </div>`;
}
