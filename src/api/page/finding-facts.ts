import type { VNode } from 'preact';
import { aroundPlaceOf, objectPlaceOf } from './finding-places.ts';
import { html } from './html.ts';
import type { Live } from './live-data.ts';
import { ActorMark, Name, SeverityMark, StateMark, Time } from './marks.ts';
import { hashOf } from './route-hash.ts';
import type { Finding } from './types.ts';
import { confidenceWords, gitopsWords, localTime, namesActor, roundNumber, subjectName, utcTime, visible } from './words.ts';

export function FindingFacts({
  finding,
  live,
  onQuery,
}: {
  finding: Finding;
  live: Live;
  onQuery: (query: string) => void;
}): VNode {
  const { kind, namespace, group, version } = finding.subject.ref;
  const name = finding.subject.ref.name ?? '';
  const same = `kind:${kind}${namespace ? ` ns:${namespace}` : ''}${name === '' ? '' : ` name:${name}`}`;
  const learning = !finding.mature && !finding.deterministic;
  const { word, why } = confidenceWords(finding.actor);
  const object = objectPlaceOf(finding);
  const around = aroundPlaceOf(finding);
  return html`<div class="head">
    <h1>
      <${SeverityMark} severity=${finding.severity} />
      <span>
        <${Name} text=${subjectName(finding)} />
        <small title=${group === undefined || group === '' ? version : `${group}/${version}`}>${visible(kind)}${namespace ? html` in <${Name} text=${namespace} />` : ''}</small>
      </span>
    </h1>
    <p class="summary">${visible(finding.summary)}</p>
    <dl class="facts">
      <div><dt>Expected</dt><dd>once in <b>${roundNumber(finding.onceIn)}</b> <small>judged events</small></dd></div>
      ${namesActor(finding) && html`<div><dt>By</dt><dd><${ActorMark} actor=${finding.actor} /> ${finding.actor.source !== 'none' && html`<small title=${why}>${word}</small>`}</dd></div>`}
      ${finding.gitops !== undefined && html`<div><dt>Kept by</dt><dd>${gitopsWords(finding.gitops)}</dd></div>`}
      <div>
        <dt>When</dt>
        <dd title=${utcTime(finding.time)}>${localTime(finding.time)} <small><${Time} time=${finding.time} nowMs=${live.nowMs} /></small></dd>
      </div>
      <div><dt>Cluster</dt><dd><${Name} text=${finding.cluster} /></dd></div>
      <div><dt>Severity</dt><dd>${finding.severity}</dd></div>
      <div><dt>Decision</dt><dd><${StateMark} finding=${finding} /> <small>${visible(finding.decision.why)}</small></dd></div>
    </dl>
    ${
      learning &&
      html`<p class="state-note">The habits this rests on are still being learnt, so it was stored and paged nobody. <a href="#/coverage">What is learnt so far</a></p>`
    }
    <p class="links">
      ${object !== undefined && html`<a href=${hashOf(object)}>Everything recorded of it</a>`}
      ${around !== undefined && html`<a href=${hashOf(around)}>What else changed around then</a>`}
      <button class="link" onClick=${() => onQuery(same)}>All findings about this object</button>
    </p>
  </div>`;
}
