/** What people say of a finding: asked for with its scope and end, and with what it would have done, before it is said; and how it is taken back. */
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { isNeverMuted, SCOPES, type ScopeName, scopesOf, type VerdictScope, type VerdictWord } from '../../domain/verdict.ts';
import { ApiError, apiPost } from './api-client.ts';
import { html } from './html.ts';
import { useKeys } from './keys.ts';
import { type Live, useAnswer } from './live-data.ts';
import type { Finding, Verdict, VerdictAnswer, VerdictList, WithdrawnVerdict } from './types.ts';
import { effectWords, hitWords, scopeWords, visible } from './words.ts';

const NAME_KEY = 'crowsnest-name';
const DAY_MS = 86_400_000;
const ENDS = { 'a week': 7, '30 days': 30, '90 days': 90, 'a year': 365 } as const;
type End = keyof typeof ENDS;

export function VerdictBox({ finding, live }: { finding: Finding; live: Live }): VNode {
  const [asking, setAsking] = useState<VerdictWord>();
  const [said, setSaid] = useState(0);
  const [failure, setFailure] = useState<string>();
  const path = `/v1/verdicts?finding=${encodeURIComponent(finding.id)}`;
  const { answer } = useAnswer<VerdictList>(path, live.version === '' ? '' : `${live.version}/${said}`);
  const all = answer?.items ?? [];
  const standing = all.filter(({ withdrawn }) => withdrawn === undefined);
  const done = () => {
    setAsking(undefined);
    setFailure(undefined);
    setSaid((count) => count + 1);
  };
  const undo = (verdict: Verdict) => {
    apiPost<WithdrawnVerdict>(`/v1/verdicts/${encodeURIComponent(verdict.id)}/withdraw`, {
      by: storedName() || 'somebody on the page',
    })
      .then(({ already, withdrawn }) => {
        done();
        if (already) setFailure(`${visible(withdrawn?.by ?? 'Somebody')} took it back already.`);
      })
      .catch((error: unknown) => setFailure(wordsOf(error)));
  };
  const [last] = standing;
  const open = asking !== undefined;
  useKeys({
    e: open ? undefined : () => setAsking('expected'),
    w: open ? undefined : () => setAsking('wrong'),
    u: open || last === undefined ? undefined : () => undo(last),
    Escape: open ? () => setAsking(undefined) : undefined,
  });
  return html`<div class="verdict">
    ${standing.map(
      (verdict) => html`<p class="said">
        <span><b>${visible(verdict.by)}</b> called it <b>${verdict.verdict}</b>: ${scopeWords(verdict.scope)}, until ${day(verdict.expires)}${verdict.why !== undefined && html`. <q>${visible(verdict.why)}</q>`} <small>${hitWords(verdict.hits)}</small></span>
        <button class="quiet" onClick=${() => undo(verdict)}>Undo</button>
      </p>`,
    )}
    ${failure !== undefined && html`<p class="attention" role="alert">${failure}</p>`}
    ${
      open
        ? html`<${Ask} key=${asking} word=${asking} finding=${finding} onDone=${done} onCancel=${() => setAsking(undefined)} />`
        : html`<p class="choices">
            <button onClick=${() => setAsking('expected')} title="This sort is fine: do not alert on it">Expected <kbd>e</kbd></button>
            <button onClick=${() => setAsking('wrong')} title="It was a problem: keep it, and alert on the like sooner">Wrong <kbd>w</kbd></button>
          </p>`
    }
  </div>`;
}

interface AskProps {
  word: VerdictWord;
  finding: Finding;
  onDone: () => void;
  onCancel: () => void;
}

function Ask({ word, finding, onDone, onCancel }: AskProps): VNode {
  const scopes = scopesOf(finding);
  const offered = SCOPES.filter((name) => scopes[name] !== undefined);
  const [scope, setScope] = useState<ScopeName>(offered[0] ?? 'kind');
  const [end, setEnd] = useState<End>('90 days');
  const [by, setBy] = useState(storedName);
  const [why, setWhy] = useState('');
  const [preview, setPreview] = useState<VerdictAnswer['preview']>();
  const [failure, setFailure] = useState<string>();
  const path = `/v1/findings/${encodeURIComponent(finding.id)}/verdict`;
  const body = () => {
    const expires = new Date(Math.max(Date.now(), Date.parse(finding.time)) + ENDS[end] * DAY_MS).toISOString();
    return { verdict: word, scope, expires, ...(why === '' ? {} : { why }) };
  };
  useEffect(() => {
    const ended = new AbortController();
    setPreview(undefined);
    apiPost<VerdictAnswer>(path, { ...body(), by: 'preview', preview: true }, ended.signal)
      .then((answer) => setPreview(answer.preview))
      .catch((error: unknown) => !ended.signal.aborted && setFailure(wordsOf(error)));
    return () => ended.abort();
  }, [scope]);
  const say = (event: Event) => {
    event.preventDefault();
    localStorage.setItem(NAME_KEY, by);
    apiPost(path, { ...body(), by }).then(onDone, (error: unknown) => setFailure(wordsOf(error)));
  };
  const chosen = (name: string, value: string, now: string, set: () => void, text: string) => html`<label>
    <input type="radio" name=${name} value=${value} checked=${value === now} onChange=${set} /> ${text}
  </label>`;
  return html`<form class="ask" onSubmit=${say}>
    <p class="question">${word === 'expected' ? 'Expected: what is fine from now on?' : 'Wrong: what should alert sooner from now on?'}</p>
    <fieldset>
      <legend>How far</legend>
      ${offered.map((name) => chosen('scope', name, scope, () => setScope(name), scopeWords(scopes[name] as VerdictScope)))}
    </fieldset>
    <p class="effect" aria-live="polite">${preview === undefined ? 'Looking at the last 30 days…' : effectWords(word, preview)}</p>
    ${word === 'expected' && isNeverMuted(finding) && html`<p class="effect">This very finding is of a sort that no verdict mutes: a critical fact, a rule of yours, or once in a million.</p>`}
    <fieldset class="row">
      <legend>For</legend>
      ${(Object.keys(ENDS) as End[]).map((name) => chosen('end', name, end, () => setEnd(name), name))}
    </fieldset>
    <div class="texts">
      <label>Your name <input required maxlength="100" value=${by} onInput=${(event: Event) => setBy((event.target as HTMLInputElement).value)} /></label>
      <label>Why, for whoever reads it later <input maxlength="1000" value=${why} onInput=${(event: Event) => setWhy((event.target as HTMLInputElement).value)} /></label>
    </div>
    ${failure !== undefined && html`<p class="attention" role="alert">${failure}</p>`}
    <p class="choices">
      <button class="main">${word === 'expected' ? 'It is expected' : 'It was wrong'}</button>
      <button type="button" onClick=${onCancel}>Cancel</button>
    </p>
  </form>`;
}

function storedName(): string {
  return localStorage.getItem(NAME_KEY) ?? '';
}

function day(time: string): string {
  return new Date(time).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
}

function wordsOf(error: unknown): string {
  return error instanceof ApiError ? error.message : String(error);
}
