/** Small recurring marks: severity, actor with confidence, state, time, names that wrap instead of being cut. */
import type { VNode } from 'preact';
import { html } from './html.ts';
import type { Actor, Finding } from './types.ts';
import { actorWords, age, clockTime, confidenceWords, localTime, namePieces, utcTime, visible } from './words.ts';

/** Shape first, colour second: a filled diamond, a filled triangle, a ring. */
export function SeverityMark({ severity }: { severity: Finding['severity'] }): VNode {
  const shape = {
    critical: html`<path d="M8 1.2 14.8 8 8 14.8 1.2 8z" class="solid" /><path d="M8 4.6v4.2M8 10.8v.4" class="cut" />`,
    warning: html`<path d="M8 2 14.6 13.6H1.4z" class="solid" /><path d="M8 6v3.6M8 11.4v.3" class="cut" />`,
    info: html`<circle cx="8" cy="8" r="5.4" class="ring" />`,
  }[severity];
  return html`<svg class=${`severity ${severity}`} viewBox="0 0 16 16" role="img" aria-label=${severity}><title>${severity}</title>${shape}</svg>`;
}

export function Name({ text }: { text: string }): VNode {
  return html`<span class="name">${namePieces(visible(text)).map((piece) => html`${piece}<wbr />`)}</span>`;
}

export function ActorMark({ actor }: { actor: Actor }): VNode {
  const { word, why } = confidenceWords(actor);
  const filled = Math.round(actor.confidence * 4);
  const behind = actor.impersonatedBy === undefined ? '' : `; ${visible(actor.impersonatedBy)} acted as them`;
  const title = `${visible(actor.name)}: ${word}, ${why}${behind}`;
  const { name, from } = actorWords(actor.name);
  return html`<span class="actor" title=${title}>
    <span class="who"><${Name} text=${name} />${from !== undefined && html`<small>service account in ${from}</small>`}</span>
    <span class="confidence" role="img" aria-label=${`confidence: ${word}`}>
      ${[1, 2, 3, 4].map((step) => html`<i class=${step <= filled ? 'on' : ''} />`)}
    </span>
  </span>`;
}

export function StateMark({ finding }: { finding: Finding }): VNode {
  const learning = !finding.mature && !finding.deterministic;
  const paged = finding.decision.verdict === 'page';
  const [name, text] = paged ? ['paged', 'paged'] : learning ? ['learning', 'still learning'] : ['recorded', 'recorded'];
  return html`<span class=${`state ${name}`} title=${visible(finding.decision.why)}>${text}</span>`;
}

export function Time({ time, nowMs }: { time: string; nowMs: number }): VNode {
  return html`<time datetime=${time} title=${`${localTime(time)} local\n${utcTime(time)}`}>${age(time, nowMs)}</time>`;
}

/** A moment to the second, for what happened close together. */
export function Clock({ time, nowMs }: { time: string; nowMs: number }): VNode {
  return html`<time datetime=${time} title=${`${localTime(time)} local, ${age(time, nowMs)}\n${utcTime(time)}`}>${clockTime(time, nowMs)}</time>`;
}
