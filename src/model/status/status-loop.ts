/**
 * Hot loops: writes of status alone. They come in numbers from every healthy controller, so this is a stream of its own: two counters
 * per object, no field is looked at, and only a pace far beyond the object's own is spoken of.
 */
import type { Change } from '../../domain/change.ts';
import { crowding, type Explanation, MINUTE_MS } from '../detector.ts';
import { clearRow, putFigure, reachRow, type Whole } from '../habits/columns.ts';

const WINDOW_MS = 10 * MINUTE_MS;
const COUNT_MIN = 30;
const FACTOR_MIN = 4;
const PRIOR_WINDOWS = 6;
const USUAL_MIN = 3;

interface State {
  /** One row for each object; `inWindow` is zero before its first write. */
  loops: {
    windowStartMs: Float64Array;
    inWindow: Whole;
    /** Closed windows, the quiet ones included, and the writes in them. */
    windows: Whole;
    writes: Whole;
    /** 1 once this window was told of. */
    told: Uint8Array;
  };
  writes: number;
}

export class StatusLoop {
  readonly name = 'status-loop';
  #state: State = { loops: noLoops(), writes: 0 };

  /** Counts one status write; evidence once per window, when the pace first stands out. Score and count are one step here: cheap. */
  observe(change: Change, row: number): { surprise: number; explain(): Explanation } | undefined {
    const { loops } = this.#state;
    if (row >= loops.told.length) reachRow(loops, row);
    // A clock that was set back begins anew.
    const isBack = change.observedMs < (loops.windowStartMs[row] as number) - WINDOW_MS;
    if (isBack) loops.inWindow[row] = 0;
    if (loops.inWindow[row] === 0) loops.windowStartMs[row] = change.observedMs;
    this.#state.writes++;
    const passed = Math.floor((change.observedMs - (loops.windowStartMs[row] as number)) / WINDOW_MS);
    if (passed >= 1) startWindow(loops, row, passed);
    const count = (loops.inWindow[row] as number) + 1;
    loops.inWindow = putFigure(loops.inWindow, row, count);
    const windows = loops.windows[row] as number;
    const usual = Math.max(USUAL_MIN, ((loops.writes[row] as number) + USUAL_MIN * PRIOR_WINDOWS) / (windows + PRIOR_WINDOWS));
    if (loops.told[row] === 1 || count < COUNT_MIN || count < FACTOR_MIN * usual) return undefined;
    loops.told[row] = 1;
    const { ref, actor } = change;
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

  forget(row: number): void {
    clearRow(this.#state.loops, row);
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

function noLoops(): State['loops'] {
  return {
    windowStartMs: new Float64Array(),
    inWindow: new Uint8Array(),
    windows: new Uint8Array(),
    writes: new Uint8Array(),
    told: new Uint8Array(),
  };
}

/** A window that was told of is not learnt as usual: a hot loop must not teach itself. */
function startWindow(loops: State['loops'], row: number, passed: number): void {
  const wasTold = loops.told[row] === 1;
  loops.windows = putFigure(loops.windows, row, (loops.windows[row] as number) + passed - (wasTold ? 1 : 0));
  loops.writes = putFigure(loops.writes, row, (loops.writes[row] as number) + (wasTold ? 0 : (loops.inWindow[row] as number)));
  loops.inWindow[row] = 0;
  loops.told[row] = 0;
  loops.windowStartMs[row] = (loops.windowStartMs[row] as number) + passed * WINDOW_MS;
}
