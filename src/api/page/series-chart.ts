/** The metric a finding is about, around its time. */
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type UPlotChart from 'uplot';
import { html } from './html.ts';
import { type Live, useAnswer, useWidth } from './live-data.ts';
import type { Finding, SeriesList } from './types.ts';

const HOUR_MS = 3_600_000;
const HEIGHT = 180;

function tickLabel(seconds: number): string {
  const date = new Date(seconds * 1000);
  const midnight = date.getHours() === 0 && date.getMinutes() === 0;
  return midnight
    ? date.toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short' })
    : date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}

/** A dashed line where the finding is. */
function markTime(chart: UPlotChart, seconds: number, colour: string): void {
  const { ctx, bbox } = chart;
  const x = Math.round(chart.valToPos(seconds, 'x', true)) + 0.5;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.setLineDash([3, 3]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

export function SeriesChart({ finding, live }: { finding: Finding; live: Live }): VNode | null {
  const { measure, width } = useWidth();
  const place = useRef<HTMLDivElement>(null);
  const { subject } = finding;
  const at = Date.parse(finding.time);
  const search =
    subject.type === 'series'
      ? new URLSearchParams({
          cluster: finding.cluster,
          metric: subject.metric,
          label: `controller=${subject.controller}`,
          from: new Date(at - 24 * HOUR_MS).toISOString(),
          to: new Date(at + 2 * HOUR_MS).toISOString(),
          limit: '8',
        })
      : undefined;
  const { answer } = useAnswer<SeriesList>(search === undefined ? undefined : `/v1/series?${search}`, live.version);

  useEffect(() => {
    if (answer === undefined || answer.items.length === 0 || width === 0 || place.current === null) return;
    const holder = place.current;
    let destroy: (() => void) | undefined;
    let gone = false;
    void import('uplot').then(({ default: UPlot }) => {
      if (gone) return;
      const style = getComputedStyle(holder);
      const [text, line, accent] = ['--muted', '--line', '--accent'].map((name) => style.getPropertyValue(name).trim()) as [
        string,
        string,
        string,
      ];
      const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: `11px ${style.fontFamily}` };
      const strokes = [accent, text];
      const tables = answer.items.map(
        ({ samples }) =>
          [samples.map(([time]) => Date.parse(time) / 1000), samples.map(([, value]) => value)] as [number[], (number | null)[]],
      );
      const series = answer.items.map((each, i) => ({
        label: Object.entries(each.labels)
          .filter(([name]) => name !== 'controller')
          .map(([, value]) => value)
          .join(' '),
        stroke: strokes[i % strokes.length] ?? text,
        width: 1.5,
        dash: i < 2 ? [] : [4, 3 + i],
        points: { show: false },
      }));
      const chart = new UPlot(
        {
          width,
          height: HEIGHT,
          series: [{}, ...series],
          axes: [
            { ...axis, space: 90, size: 30, values: (_chart, splits) => splits.map(tickLabel) },
            { ...axis, size: 56 },
          ],
          hooks: { draw: [(chart) => markTime(chart, at / 1000, accent)] },
          legend: { show: answer.items.length > 1 },
          cursor: { drag: { x: true, y: false } },
        },
        UPlot.join(tables),
        holder,
      );
      destroy = () => chart.destroy();
    });
    return () => {
      gone = true;
      destroy?.();
    };
  }, [answer, width]);

  if (subject.type !== 'series') return null;
  return html`<div class="series" ref=${measure}>
    <h3>${subject.metric} <small>controller ${subject.controller}, the day before</small></h3>
    <div ref=${place} />
    ${answer?.items.length === 0 && html`<p class="note">No samples of it are stored for this time.</p>`}
  </div>`;
}
