/** The change that the address names, also where it lies further back than the list. */
import { useMemo } from 'preact/hooks';
import type { ChangePages } from './change-pages.ts';
import { isReport } from './change-words.ts';
import { useAnswer } from './live-data.ts';
import { changeAt, isSeq } from './revisions.ts';
import { type ObjectPlace, objectSegments, type Tab } from './route-hash.ts';
import type { Change, ChangeList, ChangeSummary } from './types.ts';

export interface Chosen {
  change: ChangeSummary | undefined;
  /** Why there is none. */
  missing: string | undefined;
}

export function useChosenChange({ object, tab, at }: ObjectPlace, { changes, state }: ChangePages, whoVersion: string): Chosen {
  const listed = at === undefined ? unasked(tab, changes) : changeAt(changes, at);
  const away = at !== undefined && listed === undefined && state !== 'loading';
  const bySeq = useAnswer<Change>(away && isSeq(at) ? `/v1/changes/${at}` : undefined, whoVersion);
  const then =
    away && !isSeq(at)
      ? `/v1/objects/${objectSegments(object)}/history?${new URLSearchParams({ to: at, limit: '1' })}`
      : undefined;
  const byTime = useAnswer<ChangeList>(then, whoVersion);
  // One and the same object as long as the answer is.
  const named = useMemo(
    () =>
      bySeq.answer !== undefined && objectSegments(bySeq.answer.ref) === objectSegments(object)
        ? { ...bySeq.answer, paths: [] }
        : undefined,
    [bySeq.answer, objectSegments(object)],
  );
  if (listed !== undefined || !away) return { change: listed, missing: undefined };
  const error = bySeq.error ?? byTime.error;
  if (error !== undefined) return { change: undefined, missing: error.message };
  if (isSeq(at))
    return {
      change: named,
      missing: bySeq.answer === undefined || named !== undefined ? undefined : `${at} is not a change of this object.`,
    };
  const before = byTime.answer?.items[0];
  return {
    change: before,
    missing: byTime.answer === undefined || before !== undefined ? undefined : 'Nothing of it was recorded by then.',
  };
}

/** Of the history the newest change that somebody made: controllers report after each. */
function unasked(tab: Tab, changes: readonly ChangeSummary[]): ChangeSummary | undefined {
  return (tab === 'history' ? changes.find((change) => !isReport(change)) : undefined) ?? changes[0];
}
