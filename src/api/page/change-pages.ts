/** Lists of changes as the API pages them: the first page stays fresh, older ones are read when asked for and stay. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { apiGet, messageOf } from './api-client.ts';
import type { ChangeList, ChangeSummary } from './types.ts';

const PAGE = 100;
/** A search may look through much before it finds something: so often it is asked to go on by itself. */
const SEARCH_PAGES = 5;

export interface ChangePages {
  /** Newest first. */
  changes: ChangeSummary[];
  state: 'loading' | 'ready' | 'failed';
  message: string | undefined;
  /** How far back a search got that stopped for time. */
  through: string | undefined;
  /** So many changes are left out, as nobody can read them. */
  damaged: number;
  more: (() => void) | undefined;
}

export interface Loaded {
  key: string;
  items: ChangeSummary[];
  next: string | undefined;
  through: string | undefined;
  damaged: number;
}

type Asked = Record<string, string | undefined>;

/** `version` moves when there may be something new; as long as it is empty nothing is asked. */
export function useChangePages(path: string, asked: Asked, version: string): ChangePages {
  const key = `${path}?${JSON.stringify(asked)}`;
  const [loaded, setLoaded] = useState<Loaded>();
  const [failure, setFailure] = useState<{ key: string; message: string }>();
  const [busy, setBusy] = useState(false);
  const current = useRef<Loaded | undefined>(undefined);
  current.current = loaded;

  const read = useCallback(
    async (from: Loaded, signal?: AbortSignal): Promise<Loaded> => {
      const into: Loaded = { ...from, items: [...from.items] };
      for (let page = 0; page < SEARCH_PAGES; page++) {
        const list: ChangeList = await apiGet(path, { limit: String(PAGE), ...asked, continue: into.next }, signal);
        into.items.push(...list.items);
        into.next = list.metadata.continue;
        const { stopped } = list.metadata;
        into.through = stopped?.through;
        into.damaged += list.metadata.damaged ?? 0;
        if (into.next === undefined || stopped === undefined || into.items.length > from.items.length) break;
      }
      return into;
    },
    [key],
  );

  useEffect(() => {
    if (version === '') return;
    const ended = new AbortController();
    read({ key, items: [], next: undefined, through: undefined, damaged: 0 }, ended.signal).then(
      (fresh) => {
        setLoaded(mergedPages(current.current, fresh));
        setFailure(undefined);
      },
      (error: unknown) => {
        if (!ended.signal.aborted) setFailure({ key, message: messageOf(error) });
      },
    );
    return () => ended.abort();
  }, [read, version]);

  const ready = loaded?.key === key;
  const failed = failure?.key === key;
  const more = async () => {
    if (loaded === undefined || busy) return;
    setBusy(true);
    try {
      const longer = await read(loaded);
      // What came in meanwhile stays on top.
      setLoaded((now) => (now?.key === longer.key ? { ...longer, items: joined(now.items, longer.items) } : now));
    } catch (error) {
      setFailure({ key, message: messageOf(error) });
    } finally {
      setBusy(false);
    }
  };
  return {
    changes: ready ? loaded.items : [],
    state: ready ? 'ready' : failed ? 'failed' : 'loading',
    message: failed ? failure.message : undefined,
    through: ready ? loaded.through : undefined,
    damaged: ready ? loaded.damaged : 0,
    more: ready && loaded.next !== undefined ? () => void more() : undefined,
  };
}

/** The fresh first page before the older ones that were read already, as long as they meet. */
export function mergedPages(before: Loaded | undefined, fresh: Loaded): Loaded {
  const last = fresh.items.at(-1);
  if (before?.key !== fresh.key || last === undefined || fresh.next === undefined) return fresh;
  const at = before.items.findIndex(({ seq }) => seq === last.seq);
  if (at < 0 || at === before.items.length - 1) return fresh;
  const damaged = Math.max(before.damaged, fresh.damaged);
  return { ...before, damaged, items: [...fresh.items, ...before.items.slice(at + 1)] };
}

function joined(newer: ChangeSummary[], older: ChangeSummary[]): ChangeSummary[] {
  const known = new Set(older.map(({ seq }) => seq));
  return [...newer.filter(({ seq }) => !known.has(seq)), ...older];
}
