/** CPU and memory of a process with all its descendants, as Linux counts them in /proc. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

interface ProcessStat {
  pid: number;
  parent: number;
  /** User and system time of the process and of the children it has waited for. */
  ticks: number;
}

const MICROS_PER_TICK = 1e6 / Number(execFileSync('getconf', ['CLK_TCK']).toString());
const SAMPLE_MS = 50;

export class ProcessTree {
  readonly #root: number;
  readonly #timer: NodeJS.Timeout;
  /** Of each process ever seen, the most it had resident by the kernel's own account, in KiB. */
  readonly #highWater = new Map<number, number>();
  #peakKiB = 0;

  /** Samples the memory until `stop`. */
  constructor(root: number) {
    this.#root = root;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sample();
  }

  /** User and system time used so far, by live processes and by those that ended. */
  cpuMicros(): number {
    return treeOf(this.#root).reduce((sum, { ticks }) => sum + ticks, 0) * MICROS_PER_TICK;
  }

  /** The most that was resident at one time. Pages that processes share, such as the program's text, count for each of them. */
  rssPeakMiB(): number {
    this.#sample();
    // Between two samples a process alone may have been larger; the kernel remembers.
    return Math.round(Math.max(this.#peakKiB, ...this.#highWater.values()) / 1024);
  }

  rssMiB(): number {
    return Math.round(this.#sample() / 1024);
  }

  /** How many processes were seen, short-lived ones included. */
  get processes(): number {
    return this.#highWater.size;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): number {
    let sum = 0;
    for (const { pid } of treeOf(this.#root)) {
      const status = read(`/proc/${pid}/status`);
      sum += kibOf(status, 'VmRSS');
      this.#highWater.set(pid, Math.max(this.#highWater.get(pid) ?? 0, kibOf(status, 'VmHWM')));
    }
    this.#peakKiB = Math.max(this.#peakKiB, sum);
    return sum;
  }
}

function treeOf(root: number): ProcessStat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .map(statOf)
    .filter((stat) => stat !== undefined);
  const tree = all.filter(({ pid }) => pid === root);
  for (let i = 0; i < tree.length; i++) tree.push(...all.filter(({ parent }) => parent === tree[i]?.pid));
  return tree;
}

function statOf(pid: number): ProcessStat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === '') return undefined;
  // The command's name stands in parentheses and may hold anything. Behind it: state, parent, …, utime, stime, cutime, cstime.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) };
}

function kibOf(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
}

/** Empty for a process that has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
