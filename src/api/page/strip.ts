/** The strip: changes per step as quiet bars, findings as marks above them; dragging over it narrows the query to a time. */
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { html } from './html.ts';
import { RANGES, type Range, type StripData, useWidth } from './live-data.ts';
import type { Finding } from './types.ts';
import { wholeNumber } from './words.ts';

const HEIGHT = 74;
const MARKS = 18;
const AXIS = 16;
const BARS = HEIGHT - MARKS - AXIS;

interface StripProps {
  data: StripData | undefined;
  range: Range;
  onRange: (range: Range) => void;
  onBrush: (from: string, to: string) => void;
  onOpen: (finding: Finding) => void;
  /** Shown lit, the others dimmed. */
  selected: string | undefined;
}

export function Strip({ data, range, onRange, onBrush, onOpen, selected }: StripProps): VNode {
  const { measure, width } = useWidth();
  const [hover, setHover] = useState<number>();
  const brush = useRef<number | undefined>(undefined);
  const [brushed, setBrushed] = useState<[number, number]>();
  if (data === undefined || width === 0) return html`<section class="strip" ref=${measure}><div class="strip-empty" /></section>`;

  const { activity, findings } = data;
  const [fromMs, toMs] = [Date.parse(activity.from), Date.parse(activity.to)];
  const stepMs = activity.stepSeconds * 1000;
  const x = (ms: number) => ((ms - fromMs) / (toMs - fromMs)) * width;
  const msAt = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    return fromMs + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (toMs - fromMs);
  };
  const most = Math.max(1, ...activity.counts);
  const barWidth = width / activity.counts.length;
  const endBrush = (event: PointerEvent) => {
    const [start, end] = [brush.current, msAt(event)];
    brush.current = undefined;
    setBrushed(undefined);
    if (start === undefined || Math.abs(x(end) - x(start)) < 6) return;
    onBrush(new Date(Math.min(start, end)).toISOString(), new Date(Math.max(start, end)).toISOString());
  };

  return html`<section class="strip" ref=${measure} aria-label="Changes and findings over time">
    <div class="strip-head">
      <span class="readout">${readout(data, hover, fromMs, stepMs)}</span>
      <span class="ranges" role="group" aria-label="Span of time">
        ${(Object.keys(RANGES) as Range[]).map(
          (each) =>
            html`<button class=${each === range ? 'here' : ''} aria-pressed=${each === range} onClick=${() => onRange(each)}>${each}</button>`,
        )}
      </span>
    </div>
    <svg
      width=${width}
      height=${HEIGHT}
      onPointerDown=${(event: PointerEvent) => {
        if ((event.target as Element).closest('a') === null) brush.current = msAt(event);
      }}
      onPointerMove=${(event: PointerEvent) => {
        const ms = msAt(event);
        setHover(Math.floor((ms - fromMs) / stepMs));
        if (brush.current !== undefined) setBrushed([brush.current, ms]);
      }}
      onPointerUp=${endBrush}
      onPointerLeave=${(event: PointerEvent) => {
        setHover(undefined);
        if (brush.current !== undefined) endBrush(event);
      }}
    >
      ${days(fromMs, toMs, width).map(
        ({ ms, label }) => html`<g>
          <line class="grid" x1=${x(ms)} x2=${x(ms)} y1=${MARKS} y2=${HEIGHT - AXIS} />
          ${label !== '' && x(ms) < width - 68 && html`<text class="axis" x=${x(ms) + 4} y=${HEIGHT - 3}>${label}</text>`}
        </g>`,
      )}
      ${activity.counts.map((count, i) => {
        if (count === 0) return null;
        // Square root, so that one burst does not flatten every ordinary hour.
        const height = Math.max(1.5, Math.sqrt(count / most) * BARS);
        return html`<rect
          class=${i === hover ? 'bar lit' : 'bar'}
          x=${i * barWidth + 0.5}
          y=${HEIGHT - AXIS - height}
          width=${Math.max(1, barWidth - 1)}
          height=${height}
        />`;
      })}
      <line class="base" x1="0" x2=${width} y1=${HEIGHT - AXIS + 0.5} y2=${HEIGHT - AXIS + 0.5} />
      ${inDrawingOrder(findings).map((finding) => mark(finding, x(Date.parse(finding.time)), selected, onOpen))}
      ${
        brushed !== undefined &&
        html`<rect class="brush" x=${Math.min(x(brushed[0]), x(brushed[1]))} width=${Math.abs(x(brushed[1]) - x(brushed[0]))} y="0" height=${HEIGHT - AXIS} />`
      }
    </svg>
  </section>`;
}

/** Oldest first, those that paged on top. */
function inDrawingOrder(findings: Finding[]): Finding[] {
  const paged = (finding: Finding) => finding.decision.verdict === 'page';
  return [...findings.filter((finding) => !paged(finding)).reverse(), ...findings.filter(paged).reverse()];
}

function mark(finding: Finding, x: number, selected: string | undefined, onOpen: (finding: Finding) => void): VNode {
  const paged = finding.decision.verdict === 'page';
  const name = `strip-mark ${paged ? 'paged' : 'recorded'} ${finding.id === selected ? 'chosen' : ''}`;
  const open = (event: Event) => {
    event.preventDefault();
    onOpen(finding);
  };
  return html`<a href=${`#/findings/${encodeURIComponent(finding.id)}`} class=${name} tabindex="-1" onClick=${open}>
    <title>${finding.summary}</title>
    ${paged && html`<line x1=${x} x2=${x} y1="12" y2=${HEIGHT - AXIS} />`}
    ${paged ? html`<path d=${`M${x} 1.5l5 5-5 5-5-5z`} />` : html`<circle cx=${x} cy="7" r="2.4" />`}
  </a>`;
}

function readout({ activity, findings }: StripData, hover: number | undefined, fromMs: number, stepMs: number): string {
  const format = { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' } as const;
  if (hover === undefined || hover < 0 || hover >= activity.counts.length) {
    const changes = activity.counts.reduce((sum, count) => sum + count, 0);
    const paged = findings.filter((finding) => finding.decision.verdict === 'page').length;
    const more = findings.length === 1000 ? ' or more' : '';
    return `${wholeNumber(changes)} changes, ${findings.length}${more} findings, ${paged} paged${activity.partial ? '; older changes are not counted here' : ''}`;
  }
  const start = fromMs + hover * stepMs;
  const within = findings.filter(
    (finding) => Date.parse(finding.time) >= start && Date.parse(finding.time) < start + stepMs,
  ).length;
  const count = activity.counts[hover] ?? 0;
  const found = within === 0 ? '' : `, ${within} finding${within === 1 ? '' : 's'}`;
  return `${new Date(start).toLocaleString('en-GB', format)}: ${wholeNumber(count)} change${count === 1 ? '' : 's'}${found}`;
}

/** Local midnights, thinned out to what fits, each with the label it carries. */
function days(fromMs: number, toMs: number, width: number): { ms: number; label: string }[] {
  const out: { ms: number; label: string }[] = [];
  const count = (toMs - fromMs) / 86_400_000;
  const every = Math.max(1, Math.ceil((count * 78) / width));
  const date = new Date(fromMs);
  date.setHours(24, 0, 0, 0);
  const long = count > 300;
  for (; date.getTime() < toMs; date.setDate(date.getDate() + every)) {
    const format = long
      ? ({ month: 'short', year: '2-digit' } as const)
      : ({ weekday: 'short', day: 'numeric', month: 'short' } as const);
    out.push({ ms: date.getTime(), label: date.toLocaleDateString('en-GB', format) });
  }
  return out;
}
