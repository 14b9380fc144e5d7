/**
 * A thread with nothing to do but to note how late it is woken: what the machine makes any thread wait at this time, beside which the delays of
 * another thread can be judged on a machine that is busy with other things.
 */
import { Worker } from 'node:worker_threads';

const SAMPLES_MAX = 20_000;
const TICK_MS = 2;

/** Runs as text, so that it is one thread without a file of its own. */
const THREAD = `
const { workerData } = require('node:worker_threads');
const late = new Float64Array(workerData.late);
const count = new Int32Array(workerData.count);
let due = performance.now() + ${TICK_MS};
const tick = () => {
  const now = performance.now();
  const place = Atomics.load(count, 0);
  if (place < late.length) {
    late[place] = Math.max(0, now - due);
    Atomics.store(count, 0, place + 1);
  }
  due = now + ${TICK_MS};
  setTimeout(tick, ${TICK_MS});
};
tick();
`;

export interface Bystander {
  reset(): void;
  /** 99th percentile of lateness since `reset`, beyond the 1 ms that timers are coarse. */
  p99Ms(): number;
  stop(): Promise<void>;
}

export function startBystander(): Bystander {
  const lateBuffer = new SharedArrayBuffer(SAMPLES_MAX * 8);
  const countBuffer = new SharedArrayBuffer(4);
  const worker = new Worker(THREAD, { eval: true, workerData: { late: lateBuffer, count: countBuffer } });
  const count = new Int32Array(countBuffer);
  return {
    reset: () => void Atomics.store(count, 0, 0),
    p99Ms() {
      const late = new Float64Array(lateBuffer).slice(0, Atomics.load(count, 0)).sort();
      return Math.max(0, (late[Math.ceil(late.length * 0.99) - 1] ?? 0) - 1);
    },
    stop: async () => void (await worker.terminate()),
  };
}
