/** How long things take: kept sample by sample, told as percentiles in milliseconds. */
import { queuedMs } from './work-clock.ts';

export interface Latency {
  samples: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** The same of the processor's time, which other work on the machine hardly lengthens; where it was taken. */
  cpuP50Ms?: number;
  cpuP99Ms?: number;
  /** By the clock, less waiting for processors that others had. */
  unqueuedP50Ms?: number;
  unqueuedP99Ms?: number;
}

export class Latencies {
  readonly #wall: number[] = [];
  readonly #cpu: number[] = [];
  readonly #unqueued: number[] = [];

  /** Runs work and times it. */
  time(work: () => unknown): void {
    const queued = queuedMs();
    const cpu = process.cpuUsage();
    const fromMs = performance.now();
    work();
    const ms = performance.now() - fromMs;
    const used = process.cpuUsage(cpu);
    this.#unqueued.push(Math.max(0, ms - (queuedMs() - queued)));
    this.add(ms, (used.user + used.system) / 1000);
  }

  /** The same without the processor's time, for work that another process does. */
  timeWall(work: () => unknown): void {
    const fromMs = performance.now();
    work();
    this.add(performance.now() - fromMs);
  }

  add(ms: number, cpuMs?: number): void {
    this.#wall.push(ms);
    if (cpuMs !== undefined) this.#cpu.push(cpuMs);
  }

  told(): Latency {
    const [p50Ms, p99Ms, maxMs] = [50, 99, 100].map((percent) => percentile(this.#wall, percent)) as [number, number, number];
    const wall = { samples: this.#wall.length, p50Ms, p99Ms, maxMs };
    if (this.#cpu.length === 0) return wall;
    const [unqueuedP50Ms, unqueuedP99Ms] = [percentile(this.#unqueued, 50), percentile(this.#unqueued, 99)];
    return { ...wall, cpuP50Ms: percentile(this.#cpu, 50), cpuP99Ms: percentile(this.#cpu, 99), unqueuedP50Ms, unqueuedP99Ms };
  }
}

/** The least value that so many percent of all values do not exceed; to microseconds. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
  return Number(value.toFixed(3));
}
