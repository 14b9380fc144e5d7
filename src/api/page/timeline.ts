/** Everything recorded of one object along time: a lane each for spec, status and metadata, findings as marks above. */
import type { VNode } from 'preact';
import { partOf } from '../../domain/field-path.ts';
import { toldPaths } from './change-words.ts';
import { html } from './html.ts';
import { useWidth } from './live-data.ts';
import type { ChangeSummary, Finding } from './types.ts';
import { duration } from './words.ts';

const LANE = 22;
const TOP = 20;
const LEFT = 62;
const AXIS = 18;
const LANES = ['spec', 'status', 'metadata'] as const;

interface TimelineProps {
  /** Newest first; undefined until they are read. */
  changes: ChangeSummary[] | undefined;
  findings: Finding[];
  /** The one that is open, if one is. */
  finding?: Finding | undefined;
  /** Where all of it is told. */
  whole?: string;
  seq: number | undefined;
  onSeq: (seq: number) => void;
  /** Older changes exist beyond these. */
  more: boolean;
}

export function Timeline({ changes, findings, finding, whole, seq, onSeq, more }: TimelineProps): VNode {
  const { measure, width } = useWidth();
  if (changes === undefined) return html`<p class="note" role="status">Reading what was recorded of this object…</p>`;
  const times = [...changes, ...(finding === undefined ? [] : [finding])].map(({ time }) => Date.parse(time));
  const [firstMs, lastMs] = [Math.min(...times), Math.max(...times)];
  const span = Math.max(lastMs - firstMs, 60_000);
  const right = Math.max(LEFT + 60, width - 14);
  const x = (ms: number) => LEFT + 8 + ((ms - firstMs) / span) * (right - LEFT - 8);
  const lanes = LANES.filter((lane) => lane === 'spec' || changes.some((change) => lanesOf(change).includes(lane)));
  const height = TOP + lanes.length * LANE + AXIS;
  const chosen = changes.find((change) => change.seq === seq);
  const count = `${changes.length}${more ? ' newest' : ''} change${changes.length === 1 ? '' : 's'}${lastMs > firstMs ? ` in ${duration(span)}` : ''}`;
  return html`<div class="timeline" ref=${measure}>
    <h3>${whole === undefined ? 'This object over time' : html`<a href=${whole}>This object over time</a>`} <small>${count}</small> <span class="keys"><kbd>[</kbd> <kbd>]</kbd></span></h3>
    ${
      width > 0 &&
      html`<svg width=${width} height=${height} role="img" aria-label=${`${count}, ${findings.length} findings`}>
        ${(lastMs > firstMs ? ticks(firstMs, lastMs, width) : []).map(
          ({ ms, label }) => html`<g><line class="grid" x1=${x(ms)} x2=${x(ms)} y1=${TOP - 4} y2=${height - AXIS} />
            <text class="axis" x=${x(ms)} y=${height - 4} text-anchor="middle">${label}</text></g>`,
        )}
        ${lanes.map(
          (lane, i) => html`<g>
            <text class="lane" x="0" y=${TOP + i * LANE + LANE / 2 + 4}>${lane}</text>
            <line class="base" x1=${LEFT} x2=${right} y1=${TOP + i * LANE + LANE / 2} y2=${TOP + i * LANE + LANE / 2} />
          </g>`,
        )}
        ${chosen !== undefined && html`<line class="cursor" x1=${x(Date.parse(chosen.time))} x2=${x(Date.parse(chosen.time))} y1="14" y2=${height - AXIS} />`}
        ${drawingOrder(changes, seq).flatMap((change) => dots(change, lanes, x(Date.parse(change.time)), change.seq === seq, onSeq))}
        ${findings.filter((each) => each.id !== finding?.id).map((each) => mark(each, x(Date.parse(each.time)), false))}
        ${finding !== undefined && mark(finding, x(Date.parse(finding.time)), true)}
      </svg>`
    }
  </div>`;
}

/** Oldest first, the chosen one on top. */
function drawingOrder(changes: ChangeSummary[], seq: number | undefined): ChangeSummary[] {
  return [...changes.filter((change) => change.seq !== seq).reverse(), ...changes.filter((change) => change.seq === seq)];
}

function lanesOf(change: ChangeSummary): (typeof LANES)[number][] {
  const told = toldPaths(change);
  return told.length === 0 ? ['spec'] : [...new Set(told.map(partOf))];
}

function dots(
  change: ChangeSummary,
  lanes: readonly (typeof LANES)[number][],
  x: number,
  here: boolean,
  onSeq: (seq: number) => void,
): VNode[] {
  const title = `${change.type.toLowerCase()} by ${change.actor.name}, ${new Date(change.time).toLocaleString('en-GB')}\n${change.paths.slice(0, 8).join('\n')}`;
  return lanesOf(change).map((lane) => {
    const y = TOP + lanes.indexOf(lane) * LANE + LANE / 2;
    const shape =
      change.type === 'ADDED'
        ? html`<path d=${`M${x - 5} ${y}h10M${x} ${y - 5}v10`} class="born" />`
        : change.type === 'DELETED'
          ? html`<path d=${`M${x - 4} ${y - 4}l8 8m0-8l-8 8`} class="born" />`
          : html`<circle cx=${x} cy=${y} r=${here ? 5 : 3.5} />`;
    return html`<g class=${`dot ${here ? 'here' : ''} ${change.own ? 'own' : ''}`} onClick=${() => onSeq(change.seq)}>
      <title>${title}</title><rect x=${x - 5} y=${y - 9} width="10" height="18" class="hit" />${shape}
    </g>`;
  });
}

function mark(finding: Finding, x: number, here: boolean): VNode {
  const paged = finding.decision.verdict === 'page';
  return html`<a href=${`#/findings/${encodeURIComponent(finding.id)}`} class=${`strip-mark ${paged ? 'paged' : 'recorded'} ${here ? 'chosen' : ''}`}>
    <title>${finding.summary}</title>
    ${paged || here ? html`<path d=${`M${x} 2l5 5-5 5-5-5z`} />` : html`<circle cx=${x} cy="7" r="2.4" />`}
  </a>`;
}

/** A handful of ticks at even distances, labelled as finely as the span needs. */
function ticks(fromMs: number, toMs: number, width: number): { ms: number; label: string }[] {
  const count = Math.max(2, Math.min(7, Math.floor(width / 120)));
  const span = toMs - fromMs;
  const day = 86_400_000;
  const format: Intl.DateTimeFormatOptions =
    span > 400 * day
      ? { month: 'short', year: 'numeric' }
      : span > 4 * day
        ? { day: 'numeric', month: 'short' }
        : span > 6 * 3_600_000
          ? { weekday: 'short', hour: '2-digit', minute: '2-digit' }
          : { hour: '2-digit', minute: '2-digit' };
  return Array.from({ length: count }, (_, i) => {
    const ms = fromMs + (span * (i + 0.5)) / count;
    return { ms, label: new Date(ms).toLocaleString('en-GB', format) };
  });
}
