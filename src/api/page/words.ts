/** Numbers, times, names and values as people read them. Pure. */
import type { Actor, Finding, ObjectRef, Verdict, VerdictAnswer } from './types.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function wholeNumber(n: number): string {
  return Math.round(n).toLocaleString('en-GB');
}

/** `1,240`, `18,000`, `2.4 million`: as many digits as one would say aloud. */
export function roundNumber(n: number): string {
  if (n < 1_000) return wholeNumber(n);
  if (n < 1_000_000) return wholeNumber(Number(n.toPrecision(2)));
  for (const [size, name] of [
    [1e12, 'trillion'],
    [1e9, 'billion'],
    [1e6, 'million'],
  ] as const) {
    if (n >= size) return `${Number((n / size).toPrecision(2)).toLocaleString('en-GB')} ${name}`;
  }
  return wholeNumber(n);
}

/** The n of "once in n". Beyond a trillion nothing is meant by more: the model caps what it says of a whole finding there. */
export function odds(n: number): string {
  return n > 1e12 ? 'over 1 trillion' : roundNumber(n);
}

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length, Math.floor(Math.log(n) / Math.log(1024)));
  return `${(n / 1024 ** power).toPrecision(3)} ${units[power - 1]}`;
}

/** Relative under a day, otherwise the local date and time; years only where they differ. */
export function age(time: string, nowMs: number): string {
  const ms = Date.parse(time);
  const past = nowMs - ms;
  if (past >= DAY || past < -MINUTE) return shortLocal(ms, nowMs);
  if (past < MINUTE) return 'just now';
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min ago`;
  return `${Math.floor(past / HOUR)} h ago`;
}

function shortLocal(ms: number, nowMs: number): string {
  const date = new Date(ms);
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  return `${dayWords(date, nowMs)} ${clock}`;
}

function dayWords(date: Date, nowMs: number): string {
  const sameYear = date.getFullYear() === new Date(nowMs).getFullYear();
  return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' }) });
}

/** The local time in full, for headings. */
export function localTime(time: string): string {
  const options = {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  } as const;
  return new Date(time).toLocaleString('en-GB', options);
}

/** To the second, as one compares moments that are close together: the time alone where it is of the day that counts as today. */
export function clockTime(time: string, nowMs: number): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  if (date.toDateString() === new Date(nowMs).toDateString()) return clock;
  return `${dayWords(date, nowMs)} ${clock}`;
}

/** The same instant in UTC, for hovering. */
export function utcTime(time: string): string {
  return `${time.replace('T', ' ').replace(/\.\d+Z$|Z$/, '')} UTC`;
}

/** `3 d`, `5 h`, `20 min`. */
export function duration(ms: number): string {
  if (ms >= 2 * DAY) return `${Math.round(ms / DAY)} days`;
  if (ms >= 2 * HOUR) return `${Math.round(ms / HOUR)} hours`;
  return `${Math.max(1, Math.round(ms / MINUTE))} min`;
}

/** A name in pieces between which a line may break, so that a long one wraps whole words instead of being cut. */
export function namePieces(name: string): string[] {
  return name.match(/[^/.\-_:]+[/.\-_:]*|[/.\-_:]+/g) ?? [];
}

/** A service account by its own name and its namespace; anyone else as named. */
export function actorWords(actor: string): { name: string; from: string | undefined } {
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(actor);
  return account === null ? { name: actor, from: undefined } : { name: account[2] as string, from: account[1] };
}

/** How sure we are of an actor, in a word and why. */
export function confidenceWords(actor: Actor): { word: string; why: string } {
  const why = {
    stream: 'as the recorded stream states',
    admission: 'as the API server authenticated it, seen at admission',
    audit: 'as the API server authenticated it, by its audit log',
    pushed: 'as somebody told us, which nobody checked',
    managedFields: "by the field manager's name, which a client chooses itself",
    none: 'no source names anyone',
  }[actor.source];
  if (actor.confidence >= 0.9) return { word: 'sure', why };
  if (actor.confidence >= 0.6) return { word: 'likely', why };
  if (actor.confidence > 0) return { word: 'a hint', why };
  return { word: 'unknown', why };
}

/** `Flux: Kustomization flux-system/apps at main@sha1:…`, and a warning when somebody else wrote. */
export function gitopsWords(gitops: NonNullable<Finding['gitops']>): string {
  const tool = { flux: 'Flux', argocd: 'Argo CD', helm: 'Helm' }[gitops.tool];
  const at = gitops.revision === undefined ? '' : ` at ${visible(gitops.revision)}`;
  return `${tool}: ${visible(gitops.source)}${at}${gitops.byTool ? '' : '; this was written by somebody else'}`;
}

/** What a finding is about, for headings and rows; silences may name no object. */
export function subjectRef(finding: Finding): Pick<ObjectRef, 'cluster' | 'kind'> & Partial<ObjectRef> {
  return finding.subject.ref;
}

export function subjectName(finding: Finding): string {
  const { subject } = finding;
  if (subject.ref.name !== undefined && subject.ref.name !== '') return subject.ref.name;
  if (subject.type === 'silence' && subject.actor !== undefined) return `changes by ${subject.actor}`;
  return `any ${subject.ref.kind}`;
}

/** What a row says beside the object and the actor it names already: the strongest reason, after what happened when that is not a mere edit. */
export function rowSentence(finding: Finding): string {
  const { subject } = finding;
  const sentence = finding.reasons[0]?.sentence ?? finding.summary;
  const begun = finding.actor !== undefined && sentence.startsWith(`${finding.actor.name} `) ? sentence : capital(sentence);
  if (subject.type !== 'change' || subject.changeType === 'MODIFIED') return begun;
  return `${subject.changeType === 'ADDED' ? 'Created' : 'Deleted'}. ${begun}`;
}

/** Field names such as spec.replicas keep their small letter, and names of actors: `root` is not `Root`. */
function capital(text: string): string {
  return /^[a-z]+(?=[\s,;])/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** Characters that hide or reorder text: shown by their code, so that no name or value can look like another. */
export function visible(text: string): string {
  return text.replace(
    /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** A JSON value in one line, as it would stand in YAML. */
export function valueText(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return visible(value === '' ? '""' : value);
  return visible(JSON.stringify(value));
}

const SHORT = 90;

/** A value in one line that is not longer than a line. */
export function shortText(value: unknown): string {
  const text = valueText(value).replaceAll(/\s+/g, ' ');
  return text.length > SHORT ? `${text.slice(0, SHORT)}…` : text;
}

/** What an input for local date and time shows of an instant, to the second. */
export function localInput(time: string): string {
  const ms = Date.parse(time);
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

/** A silence or a metric has no author unless one is named; only of a change is "unknown" worth saying. */
export function namesActor(finding: Finding): boolean {
  return finding.subject.type === 'change' || finding.actor.source !== 'none';
}

/** How far a verdict reaches, as a person would say it. */
export function scopeWords(scope: Verdict['scope']): string {
  const { detector, kind, namespace, name, actor, path } = scope;
  const what = detector === undefined ? 'anything' : detector.replaceAll('-', ' ');
  const whose =
    name !== undefined && name !== '' ? `${kind} ${name}` : kind === undefined ? 'all objects' : `all ${kind} objects`;
  const where = namespace === undefined || namespace === '' || (name !== undefined && name !== '') ? '' : ` in ${namespace}`;
  const field = path === undefined ? '' : `, field ${path.slice(1).replaceAll('/[', '[').replaceAll('/', '.')}`;
  return visible(`${what} on ${whose}${where}${actor === undefined ? '' : ` by ${actor}`}${field}`);
}

/** What a verdict would have done in the 30 days before. */
export function effectWords(verdict: Verdict['verdict'], preview: VerdictAnswer['preview']): string {
  const { findings, pages, muted, raised, neverMuted, complete } = preview;
  const about = `In the last 30 days it speaks of ${complete ? '' : 'at least '}${wholeNumber(findings)} finding${findings === 1 ? '' : 's'}, ${
    pages === 0 ? 'none of which alerted' : `of which ${wholeNumber(pages)} alerted`
  }.`;
  const effect =
    verdict === 'wrong'
      ? `${wholeNumber(raised)} more would have alerted.`
      : `${wholeNumber(muted)} alert${muted === 1 ? '' : 's'} would not have come.`;
  const never =
    neverMuted === 0 ? '' : ` ${wholeNumber(neverMuted)} more are never muted: critical facts, rules, once in a million.`;
  return `${about} ${effect}${never}`;
}

/** What a verdict has done so far. */
export function hitWords({ muted, raised, last }: Verdict['hits']): string {
  if (last === undefined) return 'made no difference yet';
  const parts = [
    ...(muted > 0 ? [`kept ${wholeNumber(muted)} finding${muted === 1 ? '' : 's'} under the alert level`] : []),
    ...(raised > 0 ? [`raised ${wholeNumber(raised)} finding${raised === 1 ? '' : 's'} to an alert`] : []),
  ];
  return `${parts.join(', ')}, last on ${last.slice(0, 10)}`;
}
