/** What controllers said of an object, as Kubernetes Events: context beside its changes, and no proof of anything. */
import type { VNode } from 'preact';
import { html } from './html.ts';
import { Time } from './marks.ts';
import type { KubeEvent } from './types.ts';
import { visible, wholeNumber } from './words.ts';

const SHOWN = 6;

export function ObjectEvents({ events, nowMs }: { events: KubeEvent[]; nowMs: number }): VNode | null {
  if (events.length === 0) return null;
  const line = (event: KubeEvent) => html`<li class=${event.type === 'Warning' ? 'warning' : ''}>
    <b>${visible(event.reason)}</b> ${visible(event.note)}
    <small>${event.count > 1 && html`${wholeNumber(event.count)} times, `}<${Time} time=${event.last} nowMs=${nowMs} /> by ${visible(event.reportedBy)}</small>
  </li>`;
  const [newest, older] = [events.slice(0, SHOWN), events.slice(SHOWN)];
  return html`<div class="events">
    <h3>What controllers said of it <small>Kubernetes Events</small></h3>
    <ul>${newest.map(line)}</ul>
    ${older.length > 0 && html`<details><summary>${wholeNumber(older.length)} older</summary><ul>${older.map(line)}</ul></details>`}
  </div>`;
}
