import type { Behind } from '../pipeline/analyze.ts';
import type { HealthReport } from './route.ts';

export interface HealthFacts {
  /** The database cannot be written. */
  readOnly: boolean;
  /** How far the model is from the end of the record; undefined once it is there. */
  behind: Behind | undefined;
  /** What else is to be well: the clusters, and what else is listened to. */
  checks: HealthReport['checks'];
}

/** Whether the service works, and whether it sees and records all that it should. */
export function healthOf({ readOnly, behind, checks }: HealthFacts): HealthReport {
  const store = { name: 'store', ok: !readOnly, detail: readOnly ? 'the database cannot be written' : 'writable' };
  const all = [store, modelCheck(behind), ...checks];
  return { live: true, ready: all.every((check) => check.ok), checks: all };
}

/** A model that has yet to go through the record is no reason to send nobody here: all that is recorded can be read. */
function modelCheck(behind: HealthFacts['behind']): HealthReport['checks'][number] {
  if (behind === undefined) return { name: 'model', ok: true, detail: 'judges what comes' };
  const doing = behind.phase === 'relearning' ? 'learns the record again' : 'judges what was recorded';
  return { name: 'model', ok: true, detail: `${doing}: ${behind.done} of ${behind.all} changes; new ones are judged after them` };
}
