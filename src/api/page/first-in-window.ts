/** What an object's state at the end of a window is compared with, where not all of its changes in the window are loaded: a filter leaves some out. */
import { useEffect, useState } from 'preact/hooks';
import { apiGet, messageOf } from './api-client.ts';
import { type ObjectName, objectSegments } from './route-hash.ts';
import type { ChangeList, ChangeSummary } from './types.ts';

const PAGE = '1000';

export interface WindowStart {
  /** A time or a change number. */
  from: string;
  /** The first change there is, where nothing was before the window. */
  first?: ChangeSummary;
}

interface Asked {
  object: ObjectName;
  from: string;
  to: string;
  /** Nothing is asked where this is not set. */
  needed: boolean;
}

export function useWindowStart({ object, from, to, needed }: Asked): {
  start: WindowStart | undefined;
  message: string | undefined;
} {
  const path = `/v1/objects/${objectSegments(object)}/history`;
  const key = JSON.stringify([path, from, to]);
  const [held, setHeld] = useState<{ key: string; start?: WindowStart; message?: string }>();
  useEffect(() => {
    if (!needed) return;
    const ended = new AbortController();
    windowStart(path, { from, to }, ended.signal).then(
      (start) => setHeld({ key, start }),
      (error: unknown) => {
        if (!ended.signal.aborted) setHeld({ key, message: messageOf(error) });
      },
    );
    return () => ended.abort();
  }, [key, needed]);
  if (!needed) return { start: { from }, message: undefined };
  return held?.key === key ? { start: held.start, message: held.message } : { start: undefined, message: undefined };
}

async function windowStart(path: string, { from, to }: { from: string; to: string }, signal: AbortSignal): Promise<WindowStart> {
  const before = await apiGet<ChangeList>(path, { to: from, limit: '1' }, signal);
  if (before.items.length > 0) return { from };
  let first: ChangeSummary | undefined;
  let position: string | undefined;
  do {
    const list: ChangeList = await apiGet(path, { to, limit: PAGE, continue: position }, signal);
    first = list.items.at(-1) ?? first;
    position = list.metadata.continue;
  } while (position !== undefined);
  return first === undefined ? { from } : { from: String(first.seq), first };
}
