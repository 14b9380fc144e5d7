/** The identity of a finding and its one sentence; both depend on the judgement alone. */
import { fieldName } from '../domain/field-path.ts';
import type { FindingSubject, Judgement } from '../domain/finding.ts';
import { describeRef } from '../domain/object-ref.ts';
import { cutText } from './cut-text.ts';
import { stableId } from './stable-id.ts';

const SUMMARY_BYTES_MAX = 400;

/** Below this confidence a sentence says "probably". */
const SURE_FROM = 0.8;

/** Equal for equal input, whatever the batch, the run or the database; the position in the change log is left out for that reason. */
export function findingId(judgement: Judgement): string {
  return stableId('finding', judgement.detector, String(judgement.tsMs), ...subjectParts(judgement.subject));
}

function subjectParts(subject: FindingSubject): string[] {
  const { ref } = subject;
  const place = [ref.cluster, ref.group ?? '', ref.kind, ref.namespace ?? '', ref.name ?? ''];
  if (subject.type === 'change') return [subject.type, ...place, subject.uid, subject.resourceVersion, subject.changeType];
  if (subject.type === 'silence') return [subject.type, ...place, subject.actor ?? ''];
  return [subject.type, ...place, subject.controller, subject.metric];
}

/**
 * `probably kubectl-edit changed Kafka streaming/orders: its listeners had never changed in 214 edits`. Where the strongest reason names no
 * field, what the change moved stands before it.
 */
export function summaryOf(judgement: Judgement): string {
  const reason = judgement.reasons[0]?.sentence.trim();
  const event = `${eventOf(judgement)}${judgement.reasons[0]?.path === undefined ? movedText(judgement) : ''}`;
  return cutText(reason === undefined || reason === '' ? `${event}.` : `${event}: ${reason}`, SUMMARY_BYTES_MAX);
}

function movedText({ moved }: Judgement): string {
  if (moved === undefined || moved.fields.length === 0) return '';
  const all = moved.fields.length + moved.more;
  const told = all <= 2 ? moved.fields : moved.fields.slice(0, 1);
  const more = all - told.length;
  const words = told.map(({ path, from = 'nothing', to = 'nothing' }) => `${fieldName(path)} ${from} → ${to}`);
  return ` (${words.join(', ')}${more === 0 ? '' : `, and ${more} more field${more === 1 ? '' : 's'}`})`;
}

function eventOf(judgement: Judgement): string {
  const { subject, actor } = judgement;
  if (subject.type === 'series') return `The controller ${subject.controller} behaves unlike itself (${subject.metric})`;
  const { kind, namespace = '', name = '' } = subject.ref;
  if (subject.type === 'silence') {
    const what =
      name === ''
        ? `a change of any ${kind}${namespace === '' ? '' : ` in ${namespace}`}`
        : describeRef({ kind, namespace, name });
    const by = subject.actor === undefined ? '' : ` by ${subject.actor}`;
    return name === '' ? `No sign of ${what}${by}` : `The usual change of ${what}${by} did not come`;
  }
  const verb = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'deleted' }[subject.changeType];
  const object = describeRef({ kind, namespace, name });
  if (actor.name === 'unknown') return `${object} was ${verb}`;
  return actor.confidence < SURE_FROM ? `${object} was ${verb}, probably by ${actor.name}` : `${actor.name} ${verb} ${object}`;
}
