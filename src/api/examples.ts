/**
 * Earlier changes that show what is usual, beside which a finding can be held without the model. They are looked for when a finding is read: most
 * of a wave's findings never are, and the record that they are in is the same then.
 */

import { isCrowsnestError } from '../domain/errors.ts';
import { genericPath, partOf } from '../domain/field-path.ts';
import type { ChangeExample, Finding } from '../domain/finding.ts';
import type { AsyncStore } from '../store/async-store.ts';
import type { ChangeSummary } from '../store/store.ts';

const EXAMPLES_MAX = 3;
/** Of an object that changed often, this many changes back is far enough. */
const LOOKED_AT_MAX = 48;
/** What came shortly before belongs to what was flagged as likely as not: a burst is no example of what is usual. */
const STRETCH_MS = 3_600_000;

/** The object's newest earlier changes like what was flagged: of the same field, or by whoever usually makes them, or else of anything but status. */
export async function examplesOf(store: Pick<AsyncStore, 'history'>, finding: Finding): Promise<ChangeExample[] | undefined> {
  const { subject, reasons } = finding;
  const [lead] = reasons;
  if (subject.type !== 'change' || subject.changeType === 'ADDED' || lead === undefined) return undefined;
  const path = lead.path === undefined ? undefined : genericPath(lead.path);
  const isLike = ({ actor, paths, type }: ChangeSummary): boolean => {
    if (lead.detector === 'actor-affinity' && typeof lead.usual === 'string') return actor.name === lead.usual;
    if (path !== undefined) return paths.includes(path);
    return type !== 'MODIFIED' || paths.some((each) => partOf(each) !== 'status');
  };
  const examples: ChangeExample[] = [];
  let looked = 0;
  try {
    for await (const change of store.history(subject.ref, { seq: subject.seq })) {
      if (change.seq >= subject.seq || change.uid !== subject.uid) continue;
      if (looked++ >= LOOKED_AT_MAX) break;
      if (finding.tsMs - change.observedMs < STRETCH_MS) continue;
      if (isLike(change)) examples.push({ seq: change.seq, tsMs: change.observedMs, actor: change.actor.name });
      if (examples.length >= EXAMPLES_MAX) break;
    }
  } catch (error) {
    // A damaged change costs what it would have shown, not the finding.
    if (!isCrowsnestError(error, 'STORE_CORRUPT')) throw error;
  }
  return examples.length === 0 ? undefined : examples;
}
