/** Keeps the tie between controllers and kinds (domain/controller-ties.ts): fed with what is recorded, saved in the store now and then. */
import type { Change } from '../domain/change.ts';
import {
  ControllerTies,
  type ControllerView,
  type DeclaredController,
  type KnownKind,
  type SavedTies,
} from '../domain/series/controller-ties.ts';
import type { Scrape } from '../domain/series/series.ts';
import type { Store } from '../store/store.ts';

export interface ControllerBook {
  observe(recorded: { changes: readonly Change[]; scrapes: readonly Scrape[] }): void;
  views(): ControllerView[];
  /** The kind a controller acts on, where that is surer than a guess. */
  kindOf(cluster: string, controller: string): { group: string; kind: string } | undefined;
  /** Kinds beside those that were recorded, as discovery has them. */
  know(kinds: () => readonly KnownKind[]): void;
  save(): void;
}

const STATE = 'controllers/ties';
const SURE = 0.5;

export function createControllerBook({
  store,
  declared,
}: {
  store: Pick<Store, 'getState' | 'putState'>;
  declared: readonly DeclaredController[];
}): ControllerBook {
  const ties = new ControllerTies(declared, savedIn(store));
  let known: () => readonly KnownKind[] = () => [];
  let unsaved = false;
  return {
    observe({ changes, scrapes }) {
      for (const change of changes) {
        const { ref, observedMs, own } = change;
        if (own) continue;
        const { cluster, group, kind } = ref;
        // What a first list finds happened at a time nobody knows; the kind is there all the same.
        if (change.origin === 'list') {
          ties.observeKind({ cluster, group, kind });
          continue;
        }
        ties.observeChange({ cluster, group, kind, atMs: observedMs, statusWriter: statusWriterOf(change) });
      }
      for (const scrape of scrapes) ties.observeScrape(scrape);
      unsaved ||= changes.length > 0 || scrapes.length > 0;
    },
    views: () => ties.views(known()),
    kindOf(cluster, controller) {
      const [first] = ties.view(cluster, controller, known())?.kinds ?? [];
      return first === undefined || first.confidence < SURE ? undefined : { group: first.group, kind: first.kind };
    },
    know(kinds) {
      known = kinds;
    },
    save() {
      if (!unsaved) return;
      store.putState(STATE, JSON.stringify(ties.save()));
      unsaved = false;
    },
  };
}

function statusWriterOf({ actor, diff, type }: Change): string | undefined {
  const isStatus = type === 'MODIFIED' && diff.length > 0 && diff.every(({ path }) => path.startsWith('/status'));
  return isStatus && actor.source !== 'none' ? actor.name : undefined;
}

/** What cannot be read is learnt again. */
function savedIn(store: Pick<Store, 'getState'>): SavedTies | undefined {
  const text = store.getState(STATE);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as SavedTies);
  } catch {
    return undefined;
  }
}
