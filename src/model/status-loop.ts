/**
 * Hot loops: writes of status alone. They come in numbers from every healthy controller, so this is a stream of its own: two counters
 * per object, no field is looked at, and only a pace far beyond the object's own is spoken of.
 */
import type { Change } from '../domain/change.ts';
import { objectKey } from '../domain/object-ref.ts';
import { touch } from './counts.ts';
import { crowding, type Explanation, MINUTE_MS } from './detector.ts';

const OBJECTS_MAX = 100_000;
const WINDOW_MS = 10 * MINUTE_MS;
const COUNT_MIN = 30;
const FACTOR_MIN = 4;
const PRIOR_WINDOWS = 6;
const USUAL_MIN = 3;

interface Loop {
  windowStartMs: number;
  inWindow: number;
  before: number;
  /** Closed windows, the quiet ones included, and the writes in them. */
  windows: number;
  writes: number;
  told: boolean;
}

interface State {
  objects: Map<string, Loop>;
  writes: number;
}

export class StatusLoop {
  readonly name = 'status-loop';
  #state: State = { objects: new Map(), writes: 0 };

  /** Counts one status write; evidence once per window, when the pace first stands out. Score and count are one step here: cheap. */
  observe(change: Change): { surprise: number; explain(): Explanation } | undefined {
    const loop = touch(this.#state.objects, objectKey(change.ref), OBJECTS_MAX, () => ({
      windowStartMs: change.observedMs,
      inWindow: 0,
      before: 0,
      windows: 0,
      writes: 0,
      told: false,
    }));
    this.#state.writes++;
    const passed = Math.floor((change.observedMs - loop.windowStartMs) / WINDOW_MS);
    if (passed >= 1) {
      // A window that was told of is not learnt as usual: a hot loop must not teach itself.
      loop.windows += passed - (loop.told ? 1 : 0);
      loop.writes += loop.told ? 0 : loop.inWindow;
      loop.before = passed === 1 ? loop.inWindow : 0;
      loop.inWindow = 0;
      loop.told = false;
      loop.windowStartMs += passed * WINDOW_MS;
    }
    loop.inWindow++;
    const usual = Math.max(USUAL_MIN, (loop.writes + USUAL_MIN * PRIOR_WINDOWS) / (loop.windows + PRIOR_WINDOWS));
    const count = loop.inWindow;
    if (loop.told || count < COUNT_MIN || count < FACTOR_MIN * usual) return undefined;
    loop.told = true;
    const { ref, actor } = change;
    const windows = loop.windows;
    return {
      surprise: crowding(count, usual),
      explain: () => ({
        sentence: `The status of ${ref.kind} ${ref.name} was written ${count} times within ten minutes by ${actor.name}; about ${Math.round(usual)} are usual. It may be stuck in a hot loop.`,
        observed: count,
        usual: Math.round(usual),
        samples: windows,
        scope: 'object',
      }),
    };
  }

  samples(): number {
    return this.#state.writes;
  }

  save(): State {
    return this.#state;
  }

  load(state: State): void {
    this.#state = state;
  }
}
