import type { Clock } from '../../domain/clock.ts';

/** Lets a few through at a time, so that hundreds of kinds do not connect and list in the same instant. */
export interface StartGate {
  /** Resolves with a function that gives the place back (calling it again does nothing); rejects when aborted. */
  enter(signal: AbortSignal): Promise<() => void>;
}

/** Each place is also given back after `leaseMs`, so that kinds whose server hangs cannot hold up the others. */
export function createStartGate(options: {
  places: number;
  leaseMs: number;
  clock: Clock;
  /** Told how many more (or fewer) wait. */
  onWaiting?: (more: number) => void;
}): StartGate {
  const { places, leaseMs, clock, onWaiting } = options;
  let free = places;
  const queue: (() => void)[] = [];
  const leave = () => {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next();
  };

  const wait = (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const admit = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        queue.splice(queue.indexOf(admit), 1);
        reject(signal.reason);
      };
      queue.push(admit);
      signal.addEventListener('abort', giveUp, { once: true });
    });

  return {
    async enter(signal) {
      signal.throwIfAborted();
      if (free > 0) free -= 1;
      else {
        onWaiting?.(1);
        await wait(signal).finally(() => onWaiting?.(-1));
      }
      const lease = new AbortController();
      let held = true;
      const release = () => {
        if (!held) return;
        held = false;
        lease.abort();
        leave();
      };
      clock.sleep(leaseMs, lease.signal).then(release, () => {});
      return release;
    },
  };
}
